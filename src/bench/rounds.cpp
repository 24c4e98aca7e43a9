#include "bench/rounds.hpp"

#include <algorithm>
#include <numeric>
#include <optional>
#include <random>

#include "bench/progress.hpp"
#include "bench/round_trip.hpp"

namespace pipelab::bench {
namespace {

/// The raw round trip of one cache line, here and now.
double probe_ns(const CpuPair& cpus) {
  constexpr RoundTripTimes kTimes{.blocks_ns = 3'000'000, .singles_ns = 0};
  return *round_trip<RawLine>(cpus, true, kTimes).round_trip_p50_ns;
}

/// A sample between two probes.
struct Sample {
  Measurement measurement;
  Placement placement;
};

Sample take(const Cell& cell, const CpuPair& cpus) {
  const double before_ns = probe_ns(cpus);
  const Measurement measurement = cell.measure(cpus, cell.hint);
  return {.measurement = measurement,
          .placement = {.raw_before_ns = before_ns, .raw_after_ns = probe_ns(cpus)}};
}

/// The first of a few tries that nothing disturbed. Counts in `tally` those that were. On a host
/// that is never quiet the last try counts, if only other programs disturbed it.
std::optional<Sample> take_undisturbed(const Cell& cell, const CpuPair& cpus, Tally& tally) {
  constexpr int kTries = 3;
  std::optional<Sample> sample;
  for (int tries = 0; tries < kTries; ++tries) {
    sample = take(cell, cpus);
    if (!sample->placement.steady()) {
      ++tally.moved;
      sample.reset();
    } else if (sample->measurement.undisturbed()) {
      return sample;
    } else if (tries < kTries - 1) {
      ++tally.disturbed;
    }
  }
  return sample;
}

}  // namespace

Tally run(const std::vector<Cell>& cells, const Rounds& rounds, SamplesFile& file,
          const std::atomic<bool>& stop) {
  const platform::Nanoseconds end_ns = platform::now_ns() + rounds.length_ns;
  std::vector<std::size_t> order(cells.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::mt19937_64 random(rounds.seed);
  Progress progress(end_ns, cells.size());
  platform::pin_this_thread(rounds.cpus.second);  // a CPU that cannot be had shows at once
  platform::pin_this_thread(rounds.cpus.first);
  Tally tally;
  const auto over = [&] { return stop.load() || platform::now_ns() >= end_ns; };
  while (!over()) {
    ++tally.rounds;
    std::shuffle(order.begin(), order.end(), random);
    for (std::size_t i = 0; i < order.size() && !over(); ++i) {
      progress.show(tally.rounds, i);
      const Cell& cell = cells[order[i]];
      if (const auto sample = take_undisturbed(cell, rounds.cpus, tally)) {
        file.write(tally.rounds, cell, sample->measurement, sample->placement);
        ++tally.samples;
      }
    }
  }
  progress.finish();
  return tally;
}

}  // namespace pipelab::bench
