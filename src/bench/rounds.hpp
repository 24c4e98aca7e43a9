#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <vector>

#include "bench/cell.hpp"
#include "bench/pair.hpp"
#include "bench/samples_file.hpp"
#include "platform/clock.hpp"

namespace pipelab::bench {

/// How to run.
struct Rounds {
  CpuPair cpus;
  std::uint64_t seed;               ///< of the order of each round
  platform::Nanoseconds length_ns;  ///< of all rounds together
};

/// What came of it.
struct Tally {
  int rounds{0};               ///< that were begun
  std::uint64_t samples{0};    ///< that were kept
  std::uint64_t moved{0};      ///< samples that were dropped, as the placement changed meanwhile
  std::uint64_t disturbed{0};  ///< samples that were dropped, as other programs took a CPU
};

/// Measures every cell once a round, each round in another order, until the time is over or `stop`
/// is set, and writes each sample to `file`. This thread gets pinned to the first CPU.
Tally run(const std::vector<Cell>& cells, const Rounds& rounds, SamplesFile& file,
          const std::atomic<bool>& stop);

}  // namespace pipelab::bench
