#pragma once

namespace pipelab::bench {

// How atomic_queue is set for one producer and one consumer, as its author found it fastest there
// (src/benchmarks.cc in its sources). To spread neighbours in the queue over cache lines is for
// many producers and consumers: here it costs, and can be chosen where the capacity is in the type.
inline constexpr bool kMinimizeContention = false;
inline constexpr bool kTotalOrder = false;
inline constexpr bool kSpsc = true;

}  // namespace pipelab::bench
