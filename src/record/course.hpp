#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "platform/clock.hpp"
#include "record/buckets.hpp"
#include "record/histogram.hpp"
#include "record/intervals.hpp"
#include "record/series.hpp"

namespace pipelab::record {

/// What a recorder remembers of each interval: how many items were done in it, and how long they
/// took, in buckets that are no wider than 1/32 of their values. All memory is allocated and
/// touched in the constructor.
class Course {
 public:
  /// For how many items the time of one counts that comes after so many others in its interval:
  /// where items are many, counting each would cost more than a hundredth of their time. Primes
  /// keep no step with batches.
  static constexpr std::uint32_t weight_of(std::uint64_t before) noexcept {
    constexpr std::uint64_t kEach = 1000;
    constexpr std::uint32_t kThin = 7;
    constexpr std::uint32_t kThinner = 61;
    return before < kEach ? 1 : before < (1 + kThin) * kEach ? kThin : kThinner;
  }

  Course(const Intervals& intervals, std::size_t metrics);

  /// How much memory one takes.
  static double memory_bytes(const Intervals& intervals, std::size_t metrics);

  /// Whether the run is cut into intervals.
  bool is_wanted() const noexcept { return intervals_.planned > 0; }

  /// Says when the measured part begins.
  void begin(platform::Nanoseconds begin_ns) noexcept {
    place_.begin(begin_ns);
    failed_.begin(begin_ns);
  }

  /// When the interval ends that the last item was in.
  platform::Nanoseconds end_ns() const noexcept { return place_.end_ns(); }

  /// Goes on to the interval of an item that was done then; `items` were before it.
  void cross(platform::Nanoseconds done_ns, std::uint64_t items) noexcept;

  /// Counts a metric's time in the interval of now as that of so many items.
  void count(std::size_t metric, std::uint64_t time_ns, std::uint32_t weight) noexcept;

  /// Counts an item that failed.
  void fail(platform::Nanoseconds time_ns) noexcept { failed_.count(time_ns); }

  /// Says that no more items come than these.
  void close(std::uint64_t items) noexcept;

  /// Adds another of the same intervals; both are closed.
  void merge(const Course& other) noexcept;

  /// The rows of a run of that length, once it is closed. What is left of the last interval is one
  /// of its own if that is half as long as the others at least.
  Series series(platform::Nanoseconds elapsed_ns, std::span<const std::string_view> metrics) const;

 private:
  using Buckets = LogLinear<6>;
  static constexpr std::size_t kBuckets = Buckets::index_of(Histogram::kMaxValue + 1) + 1;

  std::size_t first_of(std::size_t place, std::size_t metric) const noexcept {
    return (place * metrics_ + metric) * kBuckets;
  }
  static std::optional<std::uint64_t> value_at(std::span<const std::uint64_t> counts,
                                               double quantile);

  Intervals intervals_;
  std::size_t metrics_;
  IntervalPlace place_;
  IntervalCounter failed_;
  std::uint64_t items_before_{0};        // that interval
  std::vector<std::uint64_t> items_;     // of each interval
  std::vector<std::uint32_t> counts_{};  // of each interval, metric and bucket
};

}  // namespace pipelab::record
