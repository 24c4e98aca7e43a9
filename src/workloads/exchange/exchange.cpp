#include "workloads/exchange/exchange.hpp"

#include <fmt/format.h>

#include <cstdint>
#include <numeric>
#include <vector>

#include "platform/clock.hpp"
#include "record/fairness.hpp"
#include "record/figures.hpp"
#include "workloads/exchange/experiment.hpp"
#include "workloads/exchange/options.hpp"

namespace pipelab::exchange {
namespace {

using record::each;

std::vector<record::Stat> totals(const Measured& measured, const Recorder& recorder,
                                 const Options& options) {
  const std::uint64_t calls = recorder.items();
  const Tally& tally = measured.account.tally;
  return {
      {"items", fmt::to_string(calls)},
      {"missed", fmt::to_string(measured.missed)},
      {"throughput_ops_s", fmt::to_string(record::rate(calls, measured.elapsed_ns))},
      {"round_trip_mean_us", each(static_cast<double>(measured.round_trips_ns) / 1e3, calls)},
      {"cycle_us",
       each(static_cast<double>(measured.elapsed_ns) / 1e3 * static_cast<double>(options.pairs),
            calls)},
      {"fairness", fmt::format("{:.4f}", record::fairness(measured.calls))},
      {"cpu_time_us", threads::cpu_time_us(measured.threads, calls)},
      {"parks", fmt::to_string(tally.parks)},
      {"wakes", fmt::to_string(tally.wakes)},
      {"system_calls", fmt::to_string(tally.system_calls)},
      {"late_finds", fmt::to_string(tally.late_finds)},
      {"failed",
       fmt::to_string(std::accumulate(measured.failed.begin(), measured.failed.end(), 0ULL))},
      {"failed_died", fmt::to_string(measured.failed[0])},
      {"failed_late", fmt::to_string(measured.failed[1])},
      {"failed_broken", fmt::to_string(measured.failed[2])},
      {"refused", fmt::to_string(measured.account.refused)},
      {"notice_us", measured.notice_ns ? record::us(*measured.notice_ns) : ""},
      {"all_calls", fmt::to_string(measured.account.calls)},
  };
}

double memory_bytes(const Options& options, const Kit& kit) {
  return static_cast<double>(shared_bytes(kit, options)) +
         2 * static_cast<double>(kit.record.samples()) * sizeof(CallTimes) +
         static_cast<double>(options.pairs + 1) * Recorder::course_bytes(kit.intervals());
}

Outcome run(const Options& options, const Kit& kit, record::Files& files, std::atomic<bool>& stop) {
  Recorder recorder(0, kit.record.sample_every, kit.intervals());
  const double clock_read_ns = platform::clock_read_cost_ns();
  const Measured measured = measure(kit, options, recorder, stop);
  const record::Histogram& round_trip = recorder.histograms().front();
  fmt::print(
      "{:.3f} s: {} calls, {:.1f} a second; a round trip (us): p50 {}, p95 {}, p99 {}; clock read "
      "{:.1f} ns{}\n",
      platform::to_seconds(measured.elapsed_ns), recorder.items(),
      record::rate(recorder.items(), measured.elapsed_ns), record::us(round_trip, 0.50),
      record::us(round_trip, 0.95), record::us(round_trip, 0.99), clock_read_ns,
      options.pairs > 1 ? fmt::format("; fairness over {} pairs {:.0f} %", options.pairs,
                                      100 * record::fairness(measured.calls))
                        : "");

  files.write(recorder, measured.begin_ns);
  return {
      .begin_ns = measured.begin_ns,
      .elapsed_ns = measured.elapsed_ns,
      .stats = record::with_recorded(totals(measured, recorder, options), recorder, clock_read_ns),
      .threads = measured.threads,
      .series = recorder.series(measured.elapsed_ns)};
}

}  // namespace

std::unique_ptr<Workload> make() {
  return std::make_unique<WorkloadOf<Options>>(Parts<Options>{
      .description = "Calls responders through memory that both sides share, and times each call.",
      .add_options = add_options,
      .conflict = conflict,
      .memory_bytes = memory_bytes,
      .memory_options = "--pairs or --max-samples",
      .run = run});
}

}  // namespace pipelab::exchange
