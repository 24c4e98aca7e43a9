#pragma once

#include <algorithm>
#include <cstdint>
#include <string>

#include "bench/cell.hpp"
#include "bench/measurement.hpp"
#include "record/output_file.hpp"

namespace pipelab::bench {

/// Where a sample was taken, by the raw round trip of one cache line just before and after.
struct Placement {
  double raw_before_ns;
  double raw_after_ns;

  /// Siblings of one core take about 55 ns, two cores 150 to 400.
  static constexpr double kNearBelowNs = 100;
  /// How far the two probes may be apart.
  static constexpr double kMostRatio = 1.5;

  bool near() const noexcept { return raw_before_ns < kNearBelowNs; }

  /// True when both probes saw the same place.
  bool steady() const noexcept {
    const auto [low, high] = std::minmax(raw_before_ns, raw_after_ns);
    return high <= kMostRatio * low && (low < kNearBelowNs) == (high < kNearBelowNs);
  }
};

/// The samples as CSV, one a row. What was not measured is empty. Each row is in the file, which
/// has
/// `.partial` after its name until close(), when write() returns, so that what is done stays when
/// the program is ended.
class SamplesFile {
 public:
  /// Makes the file at `path`. Throws std::system_error, as write() and close() do, when it cannot
  /// be written.
  SamplesFile(const std::string& path, std::uint64_t seed);

  void write(int round, const Cell& cell, const Measurement& measurement,
             const Placement& placement);
  void close();

 private:
  record::OutputFile file_;
  std::uint64_t seed_;
};

}  // namespace pipelab::bench
