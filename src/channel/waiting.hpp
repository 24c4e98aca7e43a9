#pragma once

#include <sched.h>

#include <algorithm>

#include "channel/options.hpp"
#include "platform/cpu.hpp"

namespace pipelab::channel {

/// What a thread does on each turn in which the other side has not yet made progress possible.
/// Every turn that stays awake executes the spin hint: under QEMU it is what lets the other virtual
/// CPU run.
template <Wait kWait>
class Waiter {
 public:
  /// Whether this way of waiting ever sleeps, so that the other side must wake it.
  static constexpr bool kParks = kWait == Wait::kFutex || kWait == Wait::kHybrid;

  /// Spends one turn; `park()` sleeps until the other side wakes this one.
  template <class Park>
  void pause(Park park) {
    if constexpr (kWait == Wait::kSpin) {
      platform::spin_hint();
    } else if constexpr (kWait == Wait::kYield) {
      yield();
    } else if constexpr (kWait == Wait::kFutex) {
      park();
    } else {
      ++turns_;
      if (turns_ <= spin_turns_) {
        platform::spin_hint();
      } else if (turns_ <= spin_turns_ + kYieldTurns) {
        yield();
      } else {
        park();
      }
    }
  }

  /// Says that the wait is over.
  void reset() noexcept {
    if constexpr (kWait == Wait::kHybrid) {
      if (turns_ > 0) {
        adapt();
      }
    }
  }

 private:
  // Hybrid: at least some spinning, so that it can notice that spinning pays again; at most about
  // what falling asleep and being woken costs (50 us at 50 ns a turn); then a few turns that let
  // others run.
  static constexpr int kLeastSpinTurns = 16;
  static constexpr int kMostSpinTurns = 1000;
  static constexpr int kYieldTurns = 4;

  static void yield() noexcept {
    sched_yield();
    platform::spin_hint();
  }

  /// Moves the bound by an eighth towards twice the turns that this wait took if spinning was
  /// enough, as glibc's adaptive mutexes do, and towards the least if it was not.
  void adapt() noexcept {
    const int enough = turns_ <= spin_turns_ + kYieldTurns ? 2 * turns_ : kLeastSpinTurns;
    constexpr int kShare = 8;
    const int step = (enough - spin_turns_) / kShare;
    spin_turns_ = std::clamp(spin_turns_ + step, kLeastSpinTurns, kMostSpinTurns);
    turns_ = 0;
  }

  int turns_{0};
  int spin_turns_{kMostSpinTurns / 10};
};

}  // namespace pipelab::channel
