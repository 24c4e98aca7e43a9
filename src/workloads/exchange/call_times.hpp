#pragma once

#include <array>
#include <string_view>

#include "platform/clock.hpp"

namespace pipelab::exchange {

/// The times of a call, in nanoseconds on one monotonic clock that both sides read, each no earlier
/// than the one before it.
struct CallTimes {
  platform::Nanoseconds intended_ns;  ///< when the schedule wanted it made
  platform::Nanoseconds written_ns;   ///< when the caller began to write the request
  platform::Nanoseconds taken_ns;     ///< when the responder saw it
  platform::Nanoseconds answered_ns;  ///< when the responder handed over the reply
  platform::Nanoseconds done_ns;      ///< when the caller had read it

  static constexpr std::array<std::string_view, 4> kStages{"lateness", "request", "service",
                                                           "reply"};
  static constexpr std::array<std::string_view, 2> kMetrics{"round_trip", "response"};

  /// Of kStages.
  std::array<platform::Nanoseconds, kStages.size()> stages_ns() const noexcept {
    return {written_ns - intended_ns, taken_ns - written_ns, answered_ns - taken_ns,
            done_ns - answered_ns};
  }

  /// Of kMetrics.
  std::array<platform::Nanoseconds, kMetrics.size()> metrics_ns() const noexcept {
    return {done_ns - written_ns, done_ns - intended_ns};
  }
};

}  // namespace pipelab::exchange
