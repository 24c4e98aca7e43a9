#pragma once

#include <sched.h>

#include "pipeline/options.hpp"
#include "platform/cpu.hpp"

namespace pipelab::pipeline {

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
      if (turns_ <= kSpinTurns) {
        platform::spin_hint();
      } else if (turns_ <= kSpinTurns + kYieldTurns) {
        yield();
      } else {
        park();
      }
    }
  }

  /// Says that the wait is over.
  void reset() noexcept { turns_ = 0; }

 private:
  // Hybrid: about 5 us of spinning at 50 ns a hint, then a few turns that let others run.
  static constexpr int kSpinTurns = 100;
  static constexpr int kYieldTurns = 10;

  static void yield() noexcept {
    sched_yield();
    platform::spin_hint();
  }

  int turns_{0};
};

}  // namespace pipelab::pipeline
