#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <random>
#include <utility>

#include "load/options.hpp"
#include "platform/clock.hpp"

namespace pipelab::load {

/// Which items of a schedule one of several makers makes: every `many`th, from the `which`th on.
struct Share {
  std::size_t which{0};
  std::size_t many{1};
};

/// A random number of the exponential distribution with mean 1, by inversion, which is spelt out
/// because the standard library may draw it otherwise in another version.
inline double exponential(std::mt19937_64& random) noexcept {
  constexpr double kScale = 0x1p-53;  // 53 random bits: a number in (0, 1]
  return -std::log(static_cast<double>((random() >> 11U) + 1) * kScale);
}

/// The gaps between the intended times of a share's items: a schedule that can begin anew.
class Arrivals {
 public:
  /// `seed` decides the gaps of kPoisson.
  Arrivals(const Arrival& arrival, platform::Nanoseconds interval_ns, std::uint64_t seed,
           const Share& share = {})
      : arrival_(arrival), interval_ns_(interval_ns), seed_(seed), share_(share) {
    restart();
  }

  Arrivals(const Options& options, const Share& share)
      : Arrivals(options.arrival,
                 std::llround(options.interval_us *
                              static_cast<double>(platform::kNanosecondsPerMicrosecond)),
                 options.seed, share) {}

  /// Begins anew: the gaps that follow are those that a new one gives. Returns the time from the
  /// schedule's begin to the first item.
  platform::Nanoseconds restart() {
    in_burst_ = 0;
    random_.seed(seed_);
    drawn_ns_ = exponential_gap_ns();  // now, since the generator's first number takes longest
    return sum_ns(share_.which);
  }

  /// The time from one item to the next.
  platform::Nanoseconds next_gap_ns() noexcept { return sum_ns(share_.many); }

  /// How many items there are in `left_ns`, counted from the one on after which next_gap_ns() gave
  /// `gap_ns`. The answer takes no longer when they are many: of kPoisson's it draws a million, and
  /// expects one an interval from there on.
  std::uint64_t count(platform::Nanoseconds gap_ns, platform::Nanoseconds left_ns) noexcept {
    if (share_.many == 1) {
      return count_all(gap_ns, left_ns);
    }
    if (left_ns <= gap_ns) {
      return left_ns > 0 ? 1 : 0;
    }
    const std::uint64_t others = count_all(sum_ns(1), left_ns - gap_ns);
    return 1 + (others + share_.many - 1) / share_.many;
  }

 private:
  /// Of so many gaps of the whole schedule.
  platform::Nanoseconds sum_ns(std::size_t gaps) noexcept {
    platform::Nanoseconds all_ns = 0;
    for (; gaps > 0; --gaps) {
      all_ns += gap_of_all_ns();
    }
    return all_ns;
  }

  platform::Nanoseconds gap_of_all_ns() noexcept {
    switch (arrival_.pattern) {
      case Arrival::Pattern::kConstant:
        return interval_ns_;
      case Arrival::Pattern::kPoisson:
        return std::exchange(drawn_ns_, exponential_gap_ns());
      case Arrival::Pattern::kBurst:
        in_burst_ = in_burst_ % arrival_.burst_items + 1;
        return in_burst_ < arrival_.burst_items
                   ? interval_ns_
                   : arrival_.pause_us * platform::kNanosecondsPerMicrosecond;
    }
    return interval_ns_;
  }

  /// As count(), of the whole schedule.
  std::uint64_t count_all(platform::Nanoseconds gap_ns, platform::Nanoseconds left_ns) noexcept {
    switch (arrival_.pattern) {
      case Arrival::Pattern::kConstant:
        return steps(left_ns);
      case Arrival::Pattern::kPoisson:
        return draws(gap_ns, left_ns);
      case Arrival::Pattern::kBurst: {
        const std::int64_t before = in_burst_ - 1;
        return in_bursts(left_ns + before * interval_ns_) - static_cast<std::uint64_t>(before);
      }
    }
    return 0;
  }

  platform::Nanoseconds exponential_gap_ns() noexcept {
    return std::llround(exponential(random_) * static_cast<double>(interval_ns_));
  }

  /// How many items one interval apart, the first of them now, there are in `left_ns`.
  std::uint64_t steps(platform::Nanoseconds left_ns) const noexcept {
    return left_ns <= 0 ? 0 : static_cast<std::uint64_t>((left_ns - 1) / interval_ns_ + 1);
  }

  std::uint64_t draws(platform::Nanoseconds gap_ns, platform::Nanoseconds left_ns) noexcept {
    constexpr std::uint64_t kMost = 1'000'000;
    std::uint64_t items = 0;
    for (; left_ns > 0 && items < kMost; ++items) {
      left_ns -= gap_ns;
      gap_ns = std::exchange(drawn_ns_, exponential_gap_ns());
    }
    return items + steps(left_ns);
  }

  /// The same for bursts, the first of which begins now.
  std::uint64_t in_bursts(platform::Nanoseconds left_ns) const noexcept {
    const auto items = static_cast<std::uint64_t>(arrival_.burst_items);
    const auto of_one = [&](platform::Nanoseconds time_ns) {
      return interval_ns_ > 0 ? std::min(items, steps(time_ns)) : time_ns > 0 ? items : 0;
    };
    if (of_one(left_ns) < items) {
      return of_one(left_ns);  // which may be long enough to overflow what follows
    }
    const platform::Nanoseconds cycle_ns = (arrival_.burst_items - 1) * interval_ns_ +
                                           arrival_.pause_us * platform::kNanosecondsPerMicrosecond;
    std::uint64_t whole = 0;
    if (__builtin_mul_overflow(static_cast<std::uint64_t>(left_ns / cycle_ns), items, &whole)) {
      return std::numeric_limits<std::int64_t>::max();
    }
    return whole + of_one(left_ns % cycle_ns);
  }

  Arrival arrival_;
  platform::Nanoseconds interval_ns_;
  std::uint64_t seed_;
  Share share_;
  std::int64_t in_burst_{0};
  std::mt19937_64 random_;
  platform::Nanoseconds drawn_ns_{0};  ///< of kPoisson: the next gap
};

}  // namespace pipelab::load
