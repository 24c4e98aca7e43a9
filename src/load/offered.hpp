#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "load/options.hpp"
#include "platform/clock.hpp"

namespace pipelab::load {

/// How many items of the schedule that the options describe are intended before each of
/// `times_ns`, ascending and counted from the begin of the phase; as many answers as are known:
/// none where there is no schedule, and those up to the first two million items, which take a
/// second to go through, where they are not evenly spread.
std::vector<std::uint64_t> offered(const Options& options,
                                   std::span<const platform::Nanoseconds> times_ns);

}  // namespace pipelab::load
