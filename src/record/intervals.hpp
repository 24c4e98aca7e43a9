#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

#include "platform/clock.hpp"

namespace pipelab::record {

/// The equally long intervals that the measured part of a run is cut into: a row of series.csv
/// each.
struct Intervals {
  static constexpr std::size_t kMost = 1000;  ///< that are planned

  platform::Nanoseconds length_ns{0};
  std::size_t planned{0};  ///< until the schedule's end; 0: the run is not cut

  /// Of `length_ms` each, or as many times as long as makes no more than kMost of them.
  static Intervals of(double duration_s, std::int64_t length_ms) {
    if (length_ms == 0) {
      return {};
    }
    constexpr platform::Nanoseconds kMillisecond = 1'000'000;
    const platform::Nanoseconds duration_ns =
        std::llround(duration_s * static_cast<double>(platform::kNanosecondsPerSecond));
    const auto ceiling = [](platform::Nanoseconds number, platform::Nanoseconds divisor) {
      return (number + divisor - 1) / divisor;
    };
    platform::Nanoseconds length_ns = length_ms * kMillisecond;
    length_ns *= ceiling(ceiling(duration_ns, length_ns), kMost);
    return {.length_ns = length_ns,
            .planned = static_cast<std::size_t>(ceiling(duration_ns, length_ns))};
  }

  /// How many there is room for: what comes after the schedule's end is late, and the last has all
  /// that comes after that.
  std::size_t room() const noexcept { return planned == 0 ? 1 : planned + planned / 2 + 1; }
};

/// Which interval a time is in, of times that do not go back; one that does is in the interval of
/// the one before.
class IntervalPlace {
 public:
  static constexpr platform::Nanoseconds kNever = std::numeric_limits<platform::Nanoseconds>::max();

  explicit IntervalPlace(const Intervals& intervals) : intervals_(intervals) {}

  /// Says when the measured part begins.
  void begin(platform::Nanoseconds begin_ns) noexcept {
    place_ = 0;
    end_ns_ = intervals_.room() == 1 ? kNever : begin_ns + intervals_.length_ns;
  }

  /// When the interval ends that the last time was in; kNever before begin().
  platform::Nanoseconds end_ns() const noexcept { return end_ns_; }

  std::size_t place() const noexcept { return place_; }

  /// Goes on to the interval of a time that is not before end_ns().
  void go_to(platform::Nanoseconds time_ns) noexcept {
    const auto further = static_cast<std::uint64_t>((time_ns - end_ns_) / intervals_.length_ns) + 1;
    const std::size_t left = intervals_.room() - 1 - place_;
    place_ += static_cast<std::size_t>(std::min<std::uint64_t>(further, left));
    end_ns_ = place_ + 1 == intervals_.room()
                  ? kNever
                  : end_ns_ + static_cast<platform::Nanoseconds>(further) * intervals_.length_ns;
  }

 private:
  Intervals intervals_;
  std::size_t place_{0};
  platform::Nanoseconds end_ns_{kNever};
};

/// How often something came in each interval. All memory is there from the constructor on.
class IntervalCounter {
 public:
  explicit IntervalCounter(const Intervals& intervals = {})
      : place_(intervals), counts_(intervals.room()) {}

  /// Says when the measured part begins; what was counted before is forgotten.
  void begin(platform::Nanoseconds begin_ns) noexcept {
    place_.begin(begin_ns);
    std::ranges::fill(counts_, 0);
  }

  void count(platform::Nanoseconds time_ns) noexcept {
    if (time_ns >= place_.end_ns()) {
      place_.go_to(time_ns);
    }
    ++counts_[place_.place()];
  }

  /// Adds what another of the same intervals counted.
  void merge(const IntervalCounter& other) {
    for (std::size_t place = 0; place < counts_.size(); ++place) {
      counts_[place] += other.counts_[place];
    }
  }

  const std::vector<std::uint64_t>& counts() const noexcept { return counts_; }

 private:
  IntervalPlace place_;
  std::vector<std::uint64_t> counts_;
};

}  // namespace pipelab::record
