#include <array>
#include <cstdint>
#include <random>

#include "bench/cell.hpp"
#include "platform/clock.hpp"
#include "record/recorder.hpp"
#include "workloads/pipeline/item_times.hpp"

// What it costs to record an item, beyond the reads of the clock.

namespace pipelab::bench {
namespace {

constexpr std::size_t kItems =
    1'000'000;  // of which there are as many samples: more than caches hold

/// Latencies like those of threads that wake each other up: log-normal around 13 us.
std::array<platform::Nanoseconds, 256> some_latencies_ns() {
  std::mt19937_64 random(1);
  std::lognormal_distribution<double> latency_ns(9.5, 0.4);
  std::array<platform::Nanoseconds, 256> latencies_ns{};
  for (platform::Nanoseconds& latency : latencies_ns) {
    latency = static_cast<platform::Nanoseconds>(latency_ns(random));
  }
  return latencies_ns;
}

/// Every item is counted and kept. Making up its times is part of what is measured.
Measurement recording(const CpuPair& /*cpus*/, bool /*hint*/) {
  const auto latencies_ns = some_latencies_ns();
  record::Recorder<pipeline::ItemTimes> recorder(kItems);
  constexpr platform::Nanoseconds kInterval = 1000;
  platform::Nanoseconds intended_ns = 0;
  const platform::Nanoseconds begin_ns = platform::now_ns();
  for (std::size_t i = 0; i < kItems; ++i) {
    const platform::Nanoseconds popped_ns = intended_ns + latencies_ns[i % latencies_ns.size()];
    recorder.record({.intended_ns = intended_ns,
                     .created_ns = intended_ns + 100,
                     .pushed_ns = intended_ns + 150,
                     .popped_ns = popped_ns,
                     .done_ns = popped_ns + 80,
                     .free_ns = intended_ns});
    intended_ns += kInterval;
  }
  return {.items = recorder.samples().size(), .duration_ns = platform::now_ns() - begin_ns};
}

}  // namespace

void add_recording(std::vector<Cell>& cells) {
  cells.push_back({.work = "recording",
                   .contender = "recorder",
                   .mode = "single",
                   .batch = 1,
                   .item_bytes = sizeof(pipeline::ItemTimes),
                   .capacity = kItems,
                   .hint = false,
                   .measure = recording});
}

}  // namespace pipelab::bench
