#pragma once

#include <cstddef>

#include "load/options.hpp"
#include "platform/clock.hpp"

namespace pipelab::load {

/// Part of a run, with a schedule of its own that begins at its begin.
struct Phase {
  platform::Nanoseconds begin_ns;
  platform::Nanoseconds end_ns;  ///< of the schedule: no item is intended then or later
  platform::Nanoseconds
      late_ns;  ///< from here on late items, which were intended before, are not made
};

/// When the phases of a run begin and end.
struct Phases {
  Phase warm_up;
  platform::Nanoseconds quiet_ns;  ///< between them: nothing is made, and the counters are read
  Phase measured;
};

/// The phases of a run of so many threads that is about to start.
Phases phases_from_now(const Options& options, std::size_t threads = 2);

}  // namespace pipelab::load
