#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "platform/clock.hpp"
#include "record/output_file.hpp"

namespace pipelab::record {

/// The course of a run: what came in each of its intervals.
struct Series {
  /// Of a metric's times. A percentile is there where at least one time is beyond it; where an
  /// interval has more than 1000 items, those are of some of them (Course::weight_of()).
  struct Percentiles {
    std::optional<std::uint64_t> p50_ns;
    std::optional<std::uint64_t> p99_ns;
  };

  struct Row {
    platform::Nanoseconds begin_ns;  ///< from the begin of the measured part on
    platform::Nanoseconds length_ns;
    std::uint64_t items;               ///< that were done
    std::uint64_t failed;              ///< that were dropped or given up
    std::vector<Percentiles> metrics;  ///< of each of `metrics`
  };

  std::vector<std::string_view> metrics;
  std::vector<Row> rows;

  /// Adds how many items failed in which interval.
  void add_failed(std::span<const std::uint64_t> failed) noexcept;

  /// When each row ends, from the begin of the measured part on.
  std::vector<platform::Nanoseconds> ends_ns() const;
};

/// Writes a line an interval. `offered` is how many items the schedule has until the end of each
/// row; where it is not known, it is empty, and so are the columns that come of it.
void write_series(OutputFile file, const Series& series, std::span<const std::uint64_t> offered);

}  // namespace pipelab::record
