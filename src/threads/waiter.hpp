#pragma once

#include <algorithm>
#include <cstdint>

#include "platform/clock.hpp"
#include "platform/cpu.hpp"
#include "threads/hybrid.hpp"

namespace pipelab::threads {

enum class Wait { kSpin, kYield, kFutex, kHybrid, kAdaptive, kCounted, kLongSpin };

/// What a side does on each turn in which the other has not answered yet. The way is chosen when
/// the program runs and not when it is compiled: what takes long is the wait.
///
/// Three ways learn or count:
///   - adaptive looks where the other side was last. On another CPU, it spins, for about the *time*
///   of a wake-up: then to spin in vain costs at most what to park would have. (Not for so many
///   turns: a spin hint takes 1 ns on one CPU and 25 on another.) Where that was in vain often, it
///   parks at once, and tries again now and then; nothing between, since a spin that ends before a
///   wake-up could have come is always in vain, and what learns from that sleeps for ever. On this
///   CPU the other side can run only when this one does not: it yields, then parks. But rarely, and
///   ever more rarely, it spins for longer than a tick there, so that the scheduler sees two that
///   want to run, and may part them;
///   - counted is what the document that this workload stands beside has: 100 to 20,000 turns, 100
///   more after each that was enough, 500 fewer after each that was not;
///   - long-spin is what its successor has: 50,000 turns, always.
class Waiter {
 public:
  explicit Waiter(Wait way) noexcept
      : way_(way), most_turns_(way == Wait::kLongSpin ? 50'000 : 1'000) {}

  /// Whether this way ever parks, so that the other side must wake it.
  bool parks() const noexcept { return way_ != Wait::kSpin && way_ != Wait::kYield; }

  /// Spends one turn; `park()` sleeps until the other side wakes this one. `near` says whether the
  /// other side is on this CPU, as far as is known.
  template <class Park>
  void pause(bool near, Park park) noexcept {
    const Turn turn = next(near);
    yields_ += turn == Turn::kYield ? 1 : 0;
    spend(turn, [&] {
      parked_ = true;
      ++times_parked_;
      park();
    });
  }

  /// Says that the wait is over.
  void reset() noexcept {
    if (way_ == Wait::kHybrid) {
      hybrid_.reset();
    } else if (way_ == Wait::kAdaptive) {
      learn();
    } else if (way_ == Wait::kCounted && turns_ > 0) {
      most_turns_ = std::clamp(most_turns_ + (parked_ ? -500 : 100), 100, 20'000);
    }
    turns_ = 0;
    parked_ = false;
  }

  /// How often it parked, and how often it called the kernel to let others run.
  std::uint64_t times_parked() const noexcept { return times_parked_; }
  std::uint64_t yields() const noexcept { return yields_; }

 private:
  using Turn = Hybrid::Turn;

  static constexpr platform::Nanoseconds kWakeUpNs = 30'000;
  static constexpr platform::Nanoseconds kTicksNs = 2'000'000;
  static constexpr platform::Nanoseconds kLeastTogetherNs = 20'000'000;
  static constexpr platform::Nanoseconds kMostTogetherNs = 2'000'000'000;
  static constexpr int kTurnsALook = 16;  // turns between two looks at the clock
  static constexpr int kWaitsALook = 16;  // waits between two, on one CPU
  static constexpr int kYields = 32;
  static constexpr int kMostMisses = 16;  // spins in vain, one after the other
  static constexpr int kRest = 16;        // waits, from then on, of which one spins

  Turn next(bool near) noexcept {
    switch (way_) {
      case Wait::kSpin:
        return Turn::kSpin;
      case Wait::kYield:
        return Turn::kYield;
      case Wait::kFutex:
        return Turn::kPark;
      case Wait::kHybrid:
        return hybrid_.next();
      case Wait::kAdaptive:
        return spins_on(near)                  ? Turn::kSpin
               : near && ++yielded_ <= kYields ? Turn::kYield
                                               : Turn::kPark;
      case Wait::kCounted:
      case Wait::kLongSpin:
        return ++turns_ <= most_turns_ ? Turn::kSpin : Turn::kPark;
    }
    return Turn::kPark;
  }

  bool spins_on(bool near) noexcept {
    near_ = near;
    if (parked_ || yielded_ > 0 || (!near && misses_ >= kMostMisses && misses_ % kRest != 0)) {
      return false;
    }
    if (near && turns_ == 0 && !parts()) {
      return false;
    }
    if (++turns_ % kTurnsALook != 0) {
      return true;
    }
    const platform::Nanoseconds now_ns = platform::now_ns();
    if (turns_ == kTurnsALook) {
      // Not sooner: most waits are over before it, and the clock takes its time.
      begin_ns_ = now_ns;
    }
    return now_ns - begin_ns_ < (near ? kTicksNs : kWakeUpNs);
  }

  /// Whether the two have been on one CPU for so long that it is time to show the scheduler.
  bool parts() noexcept {
    if (!may_part_ || ++near_waits_ % kWaitsALook != 0) {
      return false;
    }
    const platform::Nanoseconds now_ns = platform::now_ns();
    if (together_ns_ == 0) {
      together_ns_ = now_ns;
    }
    if (now_ns - together_ns_ < patience_ns_) {
      return false;
    }
    together_ns_ = now_ns;
    patience_ns_ = std::min(2 * patience_ns_, kMostTogetherNs);
    return true;
  }

  void learn() noexcept {
    if (parked_) {
      ++misses_;
    } else if (turns_ > 0) {
      misses_ = 0;
      together_ns_ = near_ ? together_ns_ : 0;
    }
    yielded_ = 0;
  }

  Wait way_;
  Hybrid hybrid_;
  int turns_{0};        // of this wait
  bool parked_{false};  // in this wait
  int most_turns_;      // counted, long-spin: of a wait, before it parks

  // adaptive
  int yielded_{0};  // in this wait
  unsigned near_waits_{0};
  bool near_{false};  // in the last wait that was not over at once
  bool may_part_{platform::scheduled_cpus().size() > 1};  // this thread may go to another CPU
  int misses_{0};  // waits that ended asleep, since one that spun for long enough
  platform::Nanoseconds begin_ns_{0};     // of the spin
  platform::Nanoseconds together_ns_{0};  // since when both are on one CPU; 0: not
  platform::Nanoseconds patience_ns_{kLeastTogetherNs};
  std::uint64_t times_parked_{0};
  std::uint64_t yields_{0};
};

}  // namespace pipelab::threads
