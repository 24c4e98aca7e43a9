#pragma once

#include <utility>

#include "platform/clock.hpp"

namespace pipelab::bench {

/// How long this thread has been ready to run without a CPU, since it began: what other programs
/// took from it. 0 where the kernel does not say.
platform::Nanoseconds run_delay_ns();

/// Takes the run delay of its thread in laps.
class RunDelayLaps {
 public:
  /// Since the last call, or since this object was made.
  platform::Nanoseconds lap_ns() {
    const platform::Nanoseconds now_ns = run_delay_ns();
    return now_ns - std::exchange(before_ns_, now_ns);
  }

 private:
  platform::Nanoseconds before_ns_{run_delay_ns()};
};

}  // namespace pipelab::bench
