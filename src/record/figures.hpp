#pragma once

#include <fmt/format.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "platform/clock.hpp"
#include "record/csv.hpp"
#include "record/histogram.hpp"

// Figures as a run's totals and its line for people have them.

namespace pipelab::record {

/// So many a second; 0 where no time went by.
inline double rate(std::uint64_t count, platform::Nanoseconds elapsed_ns) {
  return elapsed_ns > 0 ? static_cast<double>(count) / platform::to_seconds(elapsed_ns) : 0;
}

/// `value` over `count`; empty where that is 0.
inline std::string each(double value, std::uint64_t count, int digits = 4) {
  return count > 0 ? fmt::format("{:.{}f}", value / static_cast<double>(count), digits) : "";
}

inline std::string us(platform::Nanoseconds time_ns) {
  return fmt::format("{:.3f}", static_cast<double>(time_ns) / 1e3);
}

/// A quantile in microseconds; `none` where nothing was counted.
inline std::string us(const Histogram& histogram, double quantile, std::string_view none = "-") {
  return histogram.total() > 0
             ? us(static_cast<platform::Nanoseconds>(histogram.value_at(quantile)))
             : std::string(none);
}

/// `totals`, and behind them what every recorder tells, and what one clock read costs.
template <class Recorder>
std::vector<Stat> with_recorded(std::vector<Stat> totals, const Recorder& recorder,
                                double clock_read_ns) {
  totals.emplace_back("clipped", fmt::to_string(recorder.clipped()));
  totals.emplace_back("samples", fmt::to_string(recorder.samples().size()));
  totals.emplace_back("clock_read_ns", fmt::format("{:.1f}", clock_read_ns));
  return totals;
}

}  // namespace pipelab::record
