#include "record/histogram.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>

namespace pipelab::record {

void Histogram::merge(const Histogram& other) noexcept {
  std::transform(counts_.begin(), counts_.end(), other.counts_.begin(), counts_.begin(),
                 std::plus<>{});
}

std::uint64_t Histogram::total() const noexcept {
  return std::accumulate(counts_.begin(), counts_.end(), std::uint64_t{0});
}

std::vector<Histogram::Bucket> Histogram::buckets() const {
  std::vector<Bucket> filled;
  for (std::size_t index = 0; index < counts_.size(); ++index) {
    if (counts_[index] > 0) {
      filled.push_back({.lowest = Buckets::lowest(index),
                        .highest = Buckets::highest(index),
                        .count = counts_[index]});
    }
  }
  return filled;
}

std::uint64_t Histogram::value_at(double quantile) const noexcept {
  const auto wanted =
      static_cast<std::uint64_t>(std::ceil(quantile * static_cast<double>(total())));
  std::uint64_t seen = 0;
  for (std::size_t index = 0; index < counts_.size(); ++index) {
    seen += counts_[index];
    if (seen >= wanted && seen > 0) {
      return Buckets::highest(index);
    }
  }
  return 0;
}

}  // namespace pipelab::record
