#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "cli/options.hpp"
#include "load/pattern.hpp"

namespace pipelab::load {

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

enum class Pacing { kSleep, kDeadline, kSpin };

/// When items come, and for how long.
struct Options {
  double duration_s{2.0};      ///< how long items are made and measured, after the warm-up
  double warmup_s{0.1};        ///< how long items are made first, without being measured
  double interval_us{1000.0};  ///< time between items, to the nanosecond; 0: as fast as possible
  Arrival arrival;             ///< how items are spread around that interval
  std::optional<Pattern> pattern;  ///< in place of the interval: a rate that changes
  Pacing pacing{Pacing::kDeadline};
  std::uint64_t seed{1};  ///< of the bytes that are worked on, and of random arrivals

  /// Whether items have intended times that were fixed before.
  bool has_schedule() const noexcept {
    return pattern || interval_us > 0 || arrival.pattern != Arrival::Pattern::kConstant;
  }
};

void add_options(cli::Options& all, Options& options);

/// What is wrong with the options together; empty if nothing is.
std::string conflict(const Options& options);

/// Reads `constant`, `poisson` or `burst:ITEMS,PAUSE_US` (both at least 1).
std::optional<Arrival> to_arrival(std::string_view text);

}  // namespace pipelab::load
