#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>

#include "platform/clock.hpp"
#include "platform/cpu.hpp"
#include "threads/waiter.hpp"
#include "workloads/exchange/connection.hpp"
#include "workloads/exchange/word.hpp"

namespace pipelab::exchange {

/// What waits at a bell until it is there.
template <class Bell>
class Ear {
 public:
  /// `lease_ns` is how long to wait, at most; 0: for ever. `gone` says that nobody will come.
  Ear(Bell& mine, Bell& theirs, Wait way, platform::Nanoseconds lease_ns,
      const std::atomic<bool>& gone)
      : mine_(mine), theirs_(theirs), waiter_(way), lease_ns_(lease_ns), gone_(gone) {}

  /// Returns when `ready()` holds, which who said `last` sees to.
  template <class Ready>
  void wait(Word last, Ready ready) {
    platform::Nanoseconds until_ns = 0;
    while (!ready()) {
      // Relaxed: the flag carries nothing with it.
      if (gone_.load(std::memory_order_relaxed)) {
        throw CallFailed(CallFailed::Why::kDied, "the other side ended in the middle of a call");
      }
      if (lease_ns_ > 0) {
        check(until_ns);
      }
      waiter_.pause(last.is_from(platform::this_cpu()), [&] {
        if (!mine_.sleep([&] { return ready() || gone_.load(std::memory_order_relaxed); },
                         sleep_limit_ns()) &&
            ready()) {
          ++late_finds_;
        }
      });
    }
    waiter_.reset();
  }

  /// Wakes the other side, if it can be asleep.
  void wake() noexcept {
    if (waiter_.parks()) {
      theirs_.ring();
    }
  }

  Tally tally() const noexcept {
    return {.parks = waiter_.times_parked(),
            .wakes = theirs_.rung(),
            .system_calls = waiter_.times_parked() + theirs_.rung() + waiter_.yields(),
            .late_finds = late_finds_};
  }

 private:
  // Nothing should ever sleep so long and find something then: a wake-up was lost.
  static constexpr platform::Nanoseconds kSleepLimitNs = 200'000'000;

  void check(platform::Nanoseconds& until_ns) const {
    const platform::Nanoseconds now_ns = platform::now_ns();
    if (until_ns == 0) {
      until_ns = now_ns + lease_ns_;
    } else if (now_ns >= until_ns) {
      throw CallFailed(CallFailed::Why::kLate, "the other side did not answer in its time");
    }
  }

  platform::Nanoseconds sleep_limit_ns() const noexcept {
    return lease_ns_ > 0 ? std::min(lease_ns_, kSleepLimitNs) : kSleepLimitNs;
  }

  Bell& mine_;
  Bell& theirs_;
  threads::Waiter waiter_;
  platform::Nanoseconds lease_ns_;
  const std::atomic<bool>& gone_;
  std::uint64_t late_finds_{0};
};

}  // namespace pipelab::exchange
