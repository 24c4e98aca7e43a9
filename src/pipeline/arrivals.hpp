#pragma once

#include <cmath>
#include <cstdint>
#include <random>

#include "platform/clock.hpp"

namespace pipelab::pipeline {

/// How items are spread over time.
struct Arrival {
  enum class Pattern {
    kConstant,  ///< one every interval
    kPoisson,   ///< at random, one an interval on average, each independent of those before it
    kBurst,     ///< `burst_items` one interval apart, then a pause
  };

  Pattern pattern{Pattern::kConstant};
  std::int64_t burst_items{1};  ///< of kBurst
  std::int64_t pause_us{0};     ///< of kBurst: between the last item of a burst and the next burst
};

/// The gaps between the intended times of items.
class Arrivals {
 public:
  /// `seed` decides the gaps of kPoisson.
  Arrivals(const Arrival& arrival, platform::Nanoseconds interval_ns, std::uint64_t seed)
      : arrival_(arrival), interval_ns_(interval_ns), random_(seed) {}

  /// The time from one item to the next.
  platform::Nanoseconds next_gap_ns() noexcept {
    switch (arrival_.pattern) {
      case Arrival::Pattern::kConstant:
        return interval_ns_;
      case Arrival::Pattern::kPoisson:
        return exponential_gap_ns();
      case Arrival::Pattern::kBurst:
        in_burst_ = in_burst_ % arrival_.burst_items + 1;
        return in_burst_ < arrival_.burst_items
                   ? interval_ns_
                   : arrival_.pause_us * platform::kNanosecondsPerMicrosecond;
    }
    return interval_ns_;
  }

 private:
  /// By inversion of the exponential distribution, which is spelt out because the standard library
  /// may draw it otherwise in another version.
  platform::Nanoseconds exponential_gap_ns() noexcept {
    constexpr double kScale = 0x1p-53;  // 53 random bits: a number in (0, 1]
    const double share = static_cast<double>((random_() >> 11U) + 1) * kScale;
    return std::llround(-std::log(share) * static_cast<double>(interval_ns_));
  }

  Arrival arrival_;
  platform::Nanoseconds interval_ns_;
  std::int64_t in_burst_{0};
  std::mt19937_64 random_;
};

}  // namespace pipelab::pipeline
