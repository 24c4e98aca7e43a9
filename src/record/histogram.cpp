#include "record/histogram.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>

namespace pipelab::record {

Histogram::Bucket Histogram::bounds_of(std::size_t index) noexcept {
  const std::uint64_t shift = index < 2 * kHalf ? 0 : index / kHalf - 1;
  const std::uint64_t lowest = (index - shift * kHalf) << shift;
  return {.lowest = lowest, .highest = lowest + (std::uint64_t{1} << shift) - 1, .count = 0};
}

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
      filled.push_back(bounds_of(index));
      filled.back().count = counts_[index];
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
      return bounds_of(index).highest;
    }
  }
  return 0;
}

}  // namespace pipelab::record
