#include "workloads/pipeline/summary.hpp"

#include <fmt/format.h>

#include <cstdint>

#include "record/figures.hpp"

namespace pipelab::pipeline {
namespace {

double drop_rate(const Production& production) {
  return production.produced > 0
             ? static_cast<double>(production.dropped) / static_cast<double>(production.produced)
             : 0;
}

}  // namespace

std::vector<record::Stat> totals(const Measured& measured, const Recorder& recorder) {
  const Production& production = measured.production;
  return {
      {"items", fmt::to_string(recorder.items())},
      {"produced", fmt::to_string(production.produced)},
      {"dropped", fmt::to_string(production.dropped)},
      {"missed", fmt::to_string(production.missed)},
      {"throughput_ops_s", fmt::to_string(record::rate(recorder.items(), measured.elapsed_ns))},
      {"drop_rate", fmt::format("{}", drop_rate(production))},
      {"wake_ups", measured.wake_ups ? fmt::to_string(*measured.wake_ups) : ""},
  };
}

std::string summary(const Measured& measured, const Recorder& recorder, double clock_read_ns) {
  const auto us = [](std::uint64_t time_ns) { return static_cast<double>(time_ns) / 1000; };
  const Production& production = measured.production;
  std::string lines = fmt::format(
      "{:.3f} s: {} produced, {} consumed, {} dropped{}, {:.1f} ops/s; clock read {:.1f} ns\n",
      platform::to_seconds(measured.elapsed_ns), production.produced, recorder.items(),
      production.dropped,
      production.missed > 0 ? fmt::format(", {} never made", production.missed) : "",
      record::rate(recorder.items(), measured.elapsed_ns), clock_read_ns);
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
