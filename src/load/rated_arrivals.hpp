#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <random>
#include <vector>

#include "load/arrivals.hpp"
#include "load/options.hpp"
#include "load/pattern.hpp"
#include "platform/clock.hpp"

namespace pipelab::load {

/// As Arrivals, but of a pattern: an item comes whenever the rate, summed up over time from the
/// phase's begin, has grown by one; or for a Poisson process by a random number that is one on
/// average, which makes a process whose rate changes of one whose rate is 1 (E. Cinlar,
/// Introduction to Stochastic Processes, 1975, section 4.7).
class RatedArrivals {
 public:
  RatedArrivals(const Options& options, const Share& share)
      : random_gaps_(options.arrival.pattern == Arrival::Pattern::kPoisson),
        seed_(options.seed),
        share_(share) {
    const auto second = static_cast<double>(platform::kNanosecondsPerSecond);
    double items = 0;
    double begin_ns = 0;
    for (const Piece& each :
         pieces_of(*options.pattern, std::llround(options.duration_s * second))) {
      const auto length_ns = static_cast<double>(each.length_ns);
      parts_.push_back({.begin_ns = begin_ns,
                        .length_ns = length_ns,
                        .from = each.from_per_s / second,
                        .to = each.to_per_s / second,
                        .items_before = items});
      begin_ns += length_ns;
      items += parts_.back().items();
    }
    restart();
  }

  /// As Arrivals has these three.
  platform::Nanoseconds restart() {
    random_.seed(seed_);
    sum_ = 0;
    at_ = 0;
    time_ns_ = 0;
    step(share_.which);
    return time_ns_;
  }

  platform::Nanoseconds next_gap_ns() noexcept {
    const platform::Nanoseconds before_ns = time_ns_;
    step(share_.many);
    return time_ns_ - before_ns;
  }

  std::uint64_t count(platform::Nanoseconds gap_ns, platform::Nanoseconds left_ns) noexcept {
    if (left_ns <= gap_ns) {
      return left_ns > 0 ? 1 : 0;
    }
    const platform::Nanoseconds end_ns = time_ns_ - gap_ns + left_ns;
    std::uint64_t items = 1;
    constexpr std::uint64_t kMost = 1'000'000;  // drawn ones
    for (; time_ns_ < end_ns && items < kMost; ++items) {
      step(share_.many);
    }
    return time_ns_ < end_ns ? items + expected_until(end_ns) : items;
  }

 private:
  /// A piece of the pattern, per nanosecond.
  struct Part {
    double begin_ns;  ///< after the phase's begin
    double length_ns;
    double from;
    double to;
    double items_before;  ///< that come before this part

    /// How many come in its first `time_ns`; afterwards it goes on at its last rate.
    double items_in(double time_ns) const noexcept {
      const double within = std::min(time_ns, length_ns);
      return from * within + (to - from) * within * within / (2 * length_ns) +
             to * (time_ns - within);
    }
    double items() const noexcept { return items_in(length_ns); }

    /// When so many have come. (The quadratic's root in the form that loses no digits.)
    double time_of(double items_here) const noexcept {
      if (items_here > items()) {
        return length_ns + (items_here - items()) / to;
      }
      const double root = std::sqrt(from * from + 2 * (to - from) * items_here / length_ns);
      return 2 * items_here / (from + root);
    }
  };

  void step(std::size_t items) noexcept {
    for (; items > 0; --items) {
      sum_ += random_gaps_ ? exponential(random_) : 1;
    }
    while (at_ + 1 < parts_.size() && sum_ >= parts_[at_ + 1].items_before) {
      ++at_;
    }
    const Part& part = parts_[at_];
    time_ns_ = std::llround(part.begin_ns + part.time_of(sum_ - part.items_before));
  }

  /// How many of the share's items there are from the one at `sum_` on, which comes before then.
  std::uint64_t expected_until(platform::Nanoseconds end_ns) const noexcept {
    const auto time_ns = static_cast<double>(end_ns);
    std::size_t at = at_;
    while (at + 1 < parts_.size() && time_ns >= parts_[at + 1].begin_ns) {
      ++at;
    }
    const double all = parts_[at].items_before + parts_[at].items_in(time_ns - parts_[at].begin_ns);
    return static_cast<std::uint64_t>(
        std::ceil(std::max(all - sum_, 0.0) / static_cast<double>(share_.many)));
  }

  bool random_gaps_;
  std::uint64_t seed_;
  Share share_;
  std::vector<Part> parts_;
  std::mt19937_64 random_;
  double sum_{0};                     ///< of the rate, up to the next item
  std::size_t at_{0};                 ///< the part that it is in
  platform::Nanoseconds time_ns_{0};  ///< of the next item, after the phase's begin
};

}  // namespace pipelab::load
