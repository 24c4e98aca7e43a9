#include "record/course.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>

namespace pipelab::record {
namespace {

using platform::Nanoseconds;

constexpr double kMedian = 0.50;
constexpr double kSlow = 0.99;

}  // namespace

Course::Course(const Intervals& intervals, std::size_t metrics)
    : intervals_(intervals),
      metrics_(metrics),
      place_(intervals),
      failed_(intervals),
      items_(intervals.room()),
      counts_(intervals.planned > 0 ? intervals.room() * metrics * kBuckets : 0) {}

double Course::memory_bytes(const Intervals& intervals, std::size_t metrics) {
  return intervals.planned > 0 ? static_cast<double>(intervals.room()) *
                                     static_cast<double>(metrics * kBuckets * sizeof(std::uint32_t))
                               : 0;
}

void Course::cross(Nanoseconds done_ns, std::uint64_t items) noexcept {
  close(items);
  place_.go_to(done_ns);
}

void Course::count(std::size_t metric, std::uint64_t time_ns, std::uint32_t weight) noexcept {
  const std::size_t bucket = Buckets::index_of(std::min(time_ns, Histogram::kMaxValue + 1));
  counts_[first_of(place_.place(), metric) + bucket] += weight;
}

void Course::close(std::uint64_t items) noexcept {
  items_[place_.place()] += items - items_before_;
  items_before_ = items;
}

void Course::merge(const Course& other) noexcept {
  std::ranges::transform(items_, other.items_, items_.begin(), std::plus<>{});
  std::ranges::transform(counts_, other.counts_, counts_.begin(), std::plus<>{});
  failed_.merge(other.failed_);
  items_before_ += other.items_before_;
}

Series Course::series(Nanoseconds elapsed_ns, std::span<const std::string_view> metrics) const {
  Series series{.metrics = {metrics.begin(), metrics.end()}, .rows = {}};
  if (!is_wanted() || elapsed_ns <= 0) {
    return series;
  }
  const auto whole = (elapsed_ns + intervals_.length_ns / 2) / intervals_.length_ns;
  const std::size_t rows = static_cast<std::size_t>(
      std::clamp<Nanoseconds>(whole, 1, static_cast<Nanoseconds>(intervals_.room())));
  std::vector<std::uint64_t> counts(kBuckets);
  for (std::size_t row = 0; row < rows; ++row) {
    const std::size_t end = row + 1 == rows ? intervals_.room() : row + 1;  // the last has the rest
    const Nanoseconds begin_ns = static_cast<Nanoseconds>(row) * intervals_.length_ns;
    series.rows.push_back(
        {.begin_ns = begin_ns,
         .length_ns = row + 1 == rows ? elapsed_ns - begin_ns : intervals_.length_ns,
         .items = 0,
         .failed = 0,
         .metrics = {}});
    for (std::size_t place = row; place < end; ++place) {
      series.rows.back().items += items_[place];
    }
    for (std::size_t metric = 0; metric < metrics_; ++metric) {
      std::ranges::fill(counts, 0);
      for (std::size_t place = row; place < end; ++place) {
        const auto of_place = std::span(counts_).subspan(first_of(place, metric), kBuckets);
        std::ranges::transform(counts, of_place, counts.begin(), std::plus<>{});
      }
      series.rows.back().metrics.push_back(
          {.p50_ns = value_at(counts, kMedian), .p99_ns = value_at(counts, kSlow)});
    }
  }
  series.add_failed(failed_.counts());
  return series;
}

/// The nearest-rank percentile, as the highest value of its bucket; none where no value is beyond
/// it, or where it is among those that are too large for the buckets.
std::optional<std::uint64_t> Course::value_at(std::span<const std::uint64_t> counts,
                                              double quantile) {
  const std::uint64_t total = std::accumulate(counts.begin(), counts.end(), std::uint64_t{0});
  if (total < static_cast<std::uint64_t>(std::llround(1 / (1 - quantile)))) {
    return std::nullopt;
  }
  const auto wanted =
      static_cast<std::uint64_t>(std::ceil(quantile * static_cast<double>(total) - 1e-9));
  std::uint64_t seen = 0;
  for (std::size_t bucket = 0; bucket + 1 < counts.size(); ++bucket) {
    seen += counts[bucket];
    if (seen >= wanted) {
      return Buckets::highest(bucket);
    }
  }
  return std::nullopt;
}

}  // namespace pipelab::record
