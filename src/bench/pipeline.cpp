#include <atomic>

#include "bench/cell.hpp"
#include "bench/queues.hpp"
#include "workloads/pipeline/experiment.hpp"
#include "workloads/pipeline/item.hpp"
#include "workloads/pipeline/options.hpp"

// The pipeline as fast as it goes, and the bare ring with items and capacity like its own.

namespace pipelab::bench {
namespace {

constexpr std::size_t kCapacity = 1024;
constexpr std::size_t kItemBytes = sizeof(pipeline::Item);

/// Every item recorded. Interval 0, both sides spin.
Measurement whole_pipeline(const CpuPair& cpus, bool /*hint*/) {
  Kit kit;
  kit.load.interval_us = 0;
  kit.load.warmup_s = 0.002;
  kit.load.duration_s = 0.015;
  pipeline::Options options;
  options.channel.queue_cap = kCapacity;
  options.channel.on_full = channel::OnFull::kBlock;
  options.channel.wait = channel::Wait::kSpin;
  options.producer.pin = cpus.first;
  options.consumer.pin = cpus.second;
  pipeline::Recorder recorder(0);
  std::atomic<bool> stop{false};
  const pipeline::Measured measured = pipeline::measure(kit, options, recorder, stop);
  return {.true_capacity = kCapacity,
          .items = recorder.items(),
          .duration_ns = measured.elapsed_ns,
          .clock_read_ns = platform::clock_read_cost_ns()};
}

Measurement bare_ring(const CpuPair& cpus, bool hint) {
  using Carried = Item<kItemBytes>;
  return throughput<RingEager<Carried, kCapacity>, Carried, Single>(cpus, hint, kSampleNs);
}

}  // namespace

void add_pipeline(std::vector<Cell>& cells) {
  Cell cell{.work = "pipeline",
            .contender = "pipeline",
            .mode = "single",
            .batch = 1,
            .item_bytes = kItemBytes,
            .capacity = kCapacity,
            .hint = true,
            .measure = whole_pipeline};
  cells.push_back(cell);
  cell.contender = "bare ring";
  cell.measure = bare_ring;
  cells.push_back(cell);
}

}  // namespace pipelab::bench
