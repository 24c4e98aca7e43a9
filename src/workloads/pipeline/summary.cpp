#include "workloads/pipeline/summary.hpp"

#include <fmt/format.h>

#include <cstdint>
#include <optional>
#include <utility>

#include "version.hpp"

namespace pipelab::pipeline {
namespace {

using record::Stat;

double seconds(platform::Nanoseconds time_ns) {
  return static_cast<double>(time_ns) / static_cast<double>(platform::kNanosecondsPerSecond);
}

std::string text(std::optional<std::int64_t> number) {
  return number ? fmt::to_string(*number) : std::string{};
}

void append_counters(std::vector<Stat>& stats, const std::string& thread,
                     const platform::ThreadCounters& counters) {
  for (const auto& [name, number] :
       {std::pair{"voluntary_switches", counters.voluntary_switches},
        std::pair{"involuntary_switches", counters.involuntary_switches},
        std::pair{"migrations", counters.migrations},
        std::pair{"page_faults", counters.page_faults},
        std::pair{"run_delay_ns", counters.run_delay_ns},
        std::pair{"run_time_ns", counters.run_time_ns}, std::pair{"user_ns", counters.user_ns},
        std::pair{"system_ns", counters.system_ns}}) {
    stats.emplace_back(fmt::format("{}_{}", thread, name), text(number));
  }
}

}  // namespace

std::vector<Stat> totals(const Measured& measured, const Recorder& recorder, double clock_read_ns) {
  std::vector<Stat> stats{
      {"produced", fmt::to_string(measured.production.produced)},
      {"consumed", fmt::to_string(recorder.items())},
      {"dropped", fmt::to_string(measured.production.dropped)},
      {"missed", fmt::to_string(measured.production.missed)},
      {"duration_s", fmt::format("{:.9f}", seconds(measured.elapsed_ns))},
      {"clipped", fmt::to_string(recorder.clipped())},
      {"latencies_kept", fmt::to_string(recorder.samples().size())},
      {"clock_read_ns", fmt::format("{:.1f}", clock_read_ns)},
      {"wake_ups", text(measured.wake_ups)},
  };
  for (const threads::Record& thread : measured.threads) {
    append_counters(stats, thread.name, thread.counters);
  }
  stats.emplace_back("version", kVersion);
  return stats;
}

std::string summary(const Measured& measured, const Recorder& recorder, double clock_read_ns) {
  const auto us = [](std::uint64_t time_ns) { return static_cast<double>(time_ns) / 1000; };
  const Production& production = measured.production;
  const double rate = measured.elapsed_ns > 0
                          ? static_cast<double>(recorder.items()) / seconds(measured.elapsed_ns)
                          : 0;
  std::string lines = fmt::format(
      "{:.3f} s: {} produced, {} consumed, {} dropped{}, {:.1f} ops/s; clock read {:.1f} ns\n",
      seconds(measured.elapsed_ns), production.produced, recorder.items(), production.dropped,
      production.missed > 0 ? fmt::format(", {} never made", production.missed) : "", rate,
      clock_read_ns);
  lines += fmt::format("{:9} {:>12} {:>12} {:>12}\n", "", "p50 (us)", "p95 (us)", "p99 (us)");
  for (std::size_t metric = 0; metric < ItemTimes::kMetrics.size(); ++metric) {
    const record::Histogram& histogram = recorder.histograms()[metric];
    lines += fmt::format("{:9} {:12.3f} {:12.3f} {:12.3f}\n", ItemTimes::kMetrics[metric],
                         us(histogram.value_at(0.50)), us(histogram.value_at(0.95)),
                         us(histogram.value_at(0.99)));
  }
  return lines;
}

}  // namespace pipelab::pipeline
