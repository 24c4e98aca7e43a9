#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "record/buckets.hpp"

namespace pipelab::record {

/// Counts of non-negative integers in log-linear buckets: exact below 2048, and above that buckets
/// no wider than 1/1024 of their values (less than 0.1 %), up to 2^48 - 1 (78 h in nanoseconds, and
/// the longest run lasts 49 h); larger values are counted in a bucket of their own, the last.
class Histogram {
 public:
  /// The largest value that has a bucket; larger ones are clipped to the next.
  static constexpr std::uint64_t kMaxValue = (std::uint64_t{1} << 48U) - 1;

  struct Bucket {
    std::uint64_t lowest;   ///< the smallest value that it counts
    std::uint64_t highest;  ///< the largest value that it counts
    std::uint64_t count;
  };

  Histogram() : counts_(Buckets::index_of(kClipped) + 1) {}

  /// Counts `value` once.
  void record(std::uint64_t value) noexcept {
    ++counts_[Buckets::index_of(std::min(value, kClipped))];
  }

  /// Counts all that `other` counted, too.
  void merge(const Histogram& other) noexcept;

  /// How many values were recorded.
  std::uint64_t total() const noexcept;

  /// How many of them were larger than kMaxValue.
  std::uint64_t clipped() const noexcept { return counts_.back(); }

  /// The buckets that counted something, ascending.
  std::vector<Bucket> buckets() const;

  /// The value that a share `quantile` (0 < quantile <= 1) of all values does not exceed, by the
  /// nearest-rank definition, as the highest value of its bucket; 0 when nothing was recorded.
  std::uint64_t value_at(double quantile) const noexcept;

 private:
  using Buckets = LogLinear<11>;  // values below 2^11 have a bucket each
  static constexpr std::uint64_t kClipped = kMaxValue + 1;

  std::vector<std::uint64_t> counts_;
};

}  // namespace pipelab::record
