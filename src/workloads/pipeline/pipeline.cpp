#include "workloads/pipeline/pipeline.hpp"

#include <fmt/format.h>

#include <string>
#include <utility>

#include "platform/clock.hpp"
#include "threads/options.hpp"
#include "workloads/pipeline/experiment.hpp"
#include "workloads/pipeline/summary.hpp"

namespace pipelab::pipeline {

std::string_view Pipeline::description() const {
  return "Sends items from a producer thread to a consumer thread and times each of them.";
}

void Pipeline::add_options(cli::Options& all) {
  channel::add_options(all, options_.channel);
  all.add_number<std::size_t>("--work-bytes", options_.work_bytes, 0, std::size_t{1} << 30U,
                              "bytes that the consumer reads and writes for each item",
                              {.unit = "bytes"});
  all.add_cpu("--pin-producer", options_.pin_producer, "CPU that the producer runs on",
              {.means = "pin", .role = "producer"});
  all.add_cpu("--pin-consumer", options_.pin_consumer, "CPU that the consumer runs on",
              {.means = "pin", .role = "consumer"});
  threads::add_scheduling(all, "producer", options_.sched_producer);
  threads::add_scheduling(all, "consumer", options_.sched_consumer);
}

std::string Pipeline::conflict(const Kit& kit) const {
  const std::string refused = threads::conflict(
      kit.threads.scheduling, {{"producer", options_.sched_producer, options_.pin_producer},
                               {"consumer", options_.sched_consumer, options_.pin_consumer}});
  return refused.empty() ? channel::conflict(options_.channel) : refused;
}

double Pipeline::memory_bytes(const Kit& kit) const {
  return channel::memory_bytes(options_.channel) + static_cast<double>(options_.work_bytes) +
         static_cast<double>(kit.record.samples()) * sizeof(ItemTimes) +
         Recorder::course_bytes(kit.intervals());
}

std::string_view Pipeline::memory_options() const {
  return "--queue-cap, --item-bytes, --work-bytes or --max-samples";
}

Outcome Pipeline::run(const Kit& kit, record::Files& files, std::atomic<bool>& stop) {
  Recorder recorder(kit.record.samples(), kit.record.sample_every, kit.intervals());
  const double clock_read_ns = platform::clock_read_cost_ns();
  const Measured measured = measure(kit, options_, recorder, stop);
  fmt::print("{}", summary(measured, recorder, clock_read_ns));
  files.write(recorder, measured.begin_ns);
  record::Series series = recorder.series(measured.elapsed_ns);
  series.add_failed(measured.drops);
  return {.begin_ns = measured.begin_ns,
          .elapsed_ns = measured.elapsed_ns,
          .stats = totals(measured, recorder, clock_read_ns),
          .threads = measured.threads,
          .series = std::move(series)};
}

std::unique_ptr<Workload> make() { return std::make_unique<Pipeline>(); }

}  // namespace pipelab::pipeline
