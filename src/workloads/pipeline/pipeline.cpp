#include "workloads/pipeline/pipeline.hpp"

#include <fmt/format.h>

#include <string>
#include <utility>

#include "platform/clock.hpp"
#include "record/figures.hpp"
#include "threads/options.hpp"
#include "workloads/pipeline/experiment.hpp"
#include "workloads/pipeline/summary.hpp"

namespace pipelab::pipeline {
namespace {

void add_options(cli::Options& all, Options& options) {
  channel::add_options(all, options.channel);
  all.add_number<std::size_t>("--work-bytes", options.work_bytes, 0, std::size_t{1} << 30U,
                              "bytes that the consumer reads and writes for each item",
                              {.unit = "bytes"});
  threads::add_roles(all, {{"producer", "the producer runs", options.producer},
                           {"consumer", "the consumer runs", options.consumer}});
}

std::string conflict(const Options& options, const Kit& kit) {
  const std::string refused = threads::conflict(
      kit.threads.scheduling, {{"producer", options.producer}, {"consumer", options.consumer}});
  return refused.empty() ? channel::conflict(options.channel) : refused;
}

double memory_bytes(const Options& options, const Kit& kit) {
  return channel::memory_bytes(options.channel) + static_cast<double>(options.work_bytes) +
         static_cast<double>(kit.record.samples()) * sizeof(ItemTimes) +
         Recorder::course_bytes(kit.intervals());
}

Outcome run(const Options& options, const Kit& kit, record::Files& files, std::atomic<bool>& stop) {
  Recorder recorder(kit.record.samples(), kit.record.sample_every, kit.intervals());
  const double clock_read_ns = platform::clock_read_cost_ns();
  const Measured measured = measure(kit, options, recorder, stop);
  fmt::print("{}", summary(measured, recorder, clock_read_ns));
  files.write(recorder, measured.begin_ns);
  record::Series series = recorder.series(measured.elapsed_ns);
  series.add_failed(measured.drops);
  return {.begin_ns = measured.begin_ns,
          .elapsed_ns = measured.elapsed_ns,
          .stats = record::with_recorded(totals(measured, recorder), recorder, clock_read_ns),
          .threads = measured.threads,
          .series = std::move(series)};
}

}  // namespace

std::unique_ptr<Workload> make() {
  return std::make_unique<WorkloadOf<Options>>(Parts<Options>{
      .description =
          "Sends items from a producer thread to a consumer thread and times each of them.",
      .add_options = add_options,
      .conflict = conflict,
      .memory_bytes = memory_bytes,
      .memory_options = "--queue-cap, --item-bytes, --work-bytes or --max-samples",
      .run = run});
}

}  // namespace pipelab::pipeline
