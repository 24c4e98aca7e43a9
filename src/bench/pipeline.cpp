#include <atomic>

#include "bench/cell.hpp"
#include "bench/queues.hpp"
#include "record/recorder.hpp"
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
  pipeline::Options options;
  options.prod_interval_us = 0;
  options.queue_cap = kCapacity;
  options.on_full = channel::OnFull::kBlock;
  options.wait = channel::Wait::kSpin;
  options.pin_producer = cpus.first;
  options.pin_consumer = cpus.second;
  options.warmup_s = 0.002;
  options.duration_s = 0.015;
  record::Recorder recorder(0);
  std::atomic<bool> stop{false};
  const pipeline::Outcome outcome = pipeline::run(options, recorder, stop);
  return {.true_capacity = kCapacity,
          .items = recorder.items(),
          .duration_ns = outcome.elapsed_ns,
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
