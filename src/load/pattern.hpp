#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "platform/clock.hpp"

namespace pipelab::load {

/// How many items a second come, and how that changes while a phase lasts.
struct Pattern {
  enum class Kind {
    kConstant,  ///< one rate
    kRamp,      ///< from one rate to another, evenly over the phase
    kSpike,     ///< one rate, and in the middle of the phase another for a while
    kStep,      ///< one rate after the other; the last goes on until the end
  };

  Kind kind{Kind::kConstant};
  std::vector<double> rates;                        ///< items a second, in the order of the text
  std::vector<platform::Nanoseconds> durations_ns;  ///< of the spike, or of each step
};

/// Part of a phase in which the rate goes evenly from one value to another.
struct Piece {
  platform::Nanoseconds length_ns;
  double from_per_s;
  double to_per_s;
};

/// What a phase of `duration_ns` with this pattern is made of, from its begin on.
std::vector<Piece> pieces_of(const Pattern& pattern, platform::Nanoseconds duration_ns);

/// What is wrong with the pattern in a phase of `duration_s`; empty if nothing is.
std::string conflict(const Pattern& pattern, double duration_s);

/// Reads `constant:RATE`, `ramp:RATE..RATE`, `spike:RATE,RATE@DURATION` or
/// `step:RATE@DURATION,...`. A rate is items a second, from 0.001 to 1000M, with k or M for
/// thousands and millions; a duration has ms or s.
std::optional<Pattern> to_pattern(std::string_view text);

}  // namespace pipelab::load
