#pragma once

#include "channel/options.hpp"
#include "threads/hybrid.hpp"

namespace pipelab::channel {

/// What a thread does on each turn in which the other side has not yet made progress possible.
template <Wait kWait>
class Waiter {
 public:
  /// Whether this way of waiting ever sleeps, so that the other side must wake it.
  static constexpr bool kParks = kWait == Wait::kFutex || kWait == Wait::kHybrid;

  /// Spends one turn; `park()` sleeps until the other side wakes this one.
  template <class Park>
  void pause(Park park) {
    using Turn = threads::Hybrid::Turn;
    threads::spend(kWait == Wait::kSpin    ? Turn::kSpin
                   : kWait == Wait::kYield ? Turn::kYield
                   : kWait == Wait::kFutex ? Turn::kPark
                                           : hybrid_.next(),
                   park);
  }

  /// Says that the wait is over.
  void reset() noexcept {
    if constexpr (kWait == Wait::kHybrid) {
      hybrid_.reset();
    }
  }

 private:
  threads::Hybrid hybrid_;
};

}  // namespace pipelab::channel
