#include "workloads/ingress/ingress.hpp"

#include <fmt/format.h>

#include <array>
#include <cstdint>
#include <utility>
#include <vector>

#include "platform/clock.hpp"
#include "record/fairness.hpp"
#include "record/figures.hpp"
#include "record/histogram.hpp"
#include "workloads/ingress/experiment.hpp"
#include "workloads/ingress/options.hpp"

namespace pipelab::ingress {
namespace {

using record::each;
using record::us;

std::vector<record::Stat> totals(const Measured& measured, const Recorder& recorder) {
  const Submitted& submitted = measured.submitted;
  const std::uint64_t tasks = recorder.items();
  const std::uint64_t made = tasks + submitted.dropped;
  return {
      {"items", fmt::to_string(tasks)},
      {"dropped", fmt::to_string(submitted.dropped)},
      {"missed", fmt::to_string(submitted.missed)},
      {"throughput_ops_s", fmt::to_string(record::rate(tasks, measured.elapsed_ns))},
      {"drop_rate", made > 0 ? each(static_cast<double>(submitted.dropped), made) : "0"},
      {"cpu_time_us", threads::cpu_time_us(measured.threads, tasks)},
      {"wakes_per_task", each(static_cast<double>(measured.wakes), submitted.all)},
      {"batch_mean", each(static_cast<double>(tasks), measured.turns.turns)},
      {"batch_max", fmt::to_string(measured.turns.most_tasks)},
      {"depth_mean", each(static_cast<double>(measured.waited_ns),
                          static_cast<std::uint64_t>(measured.elapsed_ns))},
      {"fairness", fmt::format("{:.4f}", record::fairness(measured.tasks))},
      {"queue_bytes", fmt::to_string(measured.queue_bytes)},
      {"thrown", fmt::to_string(measured.thrown)},
      {"turn_p99_us", us(measured.turns.turn, 0.99, "")},
      {"burst_p50_us", submitted.burst ? us(*submitted.burst, 0.50, "") : ""},
      {"burst_p99_us", submitted.burst ? us(*submitted.burst, 0.99, "") : ""},
      {"bursts", submitted.burst ? fmt::to_string(submitted.burst->total()) : ""},
      {"wakes", fmt::to_string(measured.wakes)},
      {"sleeps", fmt::to_string(measured.sleeps)},
      {"all_tasks", fmt::to_string(submitted.all)},
  };
}

double memory_bytes(const Options& options, const Kit& kit) {
  constexpr double kMostOfATask = 256;  // in any queue
  constexpr double kHistogram = 350'000;
  const auto producers = static_cast<double>(options.producers);
  return producers * static_cast<double>(options.share()) * kMostOfATask +
         producers * kHistogram * (options.burst > 0 ? 2 : 1) +
         static_cast<double>(kit.record.samples()) * sizeof(TaskTimes) +
         Recorder::course_bytes(kit.intervals());
}

Outcome run(const Options& options, const Kit& kit, record::Files& files, std::atomic<bool>& stop) {
  Recorder recorder(kit.record.samples(), kit.record.sample_every, kit.intervals());
  const double clock_read_ns = platform::clock_read_cost_ns();
  const Measured measured = measure(kit, options, recorder, stop);
  const record::Histogram& submit = measured.submitted.submit;
  const record::Histogram& latency = recorder.histograms().front();
  fmt::print(
      "{:.3f} s: {} tasks done, {} dropped, {:.1f} a second; p50 and p99 (us): submit {} and {}, "
      ""
      "until it started {} and {}; clock read {:.1f} ns\n",
      platform::to_seconds(measured.elapsed_ns), recorder.items(), measured.submitted.dropped,
      record::rate(recorder.items(), measured.elapsed_ns), us(submit, 0.50), us(submit, 0.99),
      us(latency, 0.50), us(latency, 0.99), clock_read_ns);

  const std::array others{record::NamedHistogram{"submit", submit}};
  files.write(recorder, measured.begin_ns, others);
  record::Series series = recorder.series(measured.elapsed_ns);
  series.add_failed(measured.submitted.drops.counts());
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
          "Hands tasks from many producer threads to one event loop and times each of them.",
      .add_options = add_options,
      .conflict = conflict,
      .memory_bytes = memory_bytes,
      .memory_options = "--bound, --producers or --max-samples",
      .run = run});
}

}  // namespace pipelab::ingress
