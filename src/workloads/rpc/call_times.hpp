#pragma once

#include <array>
#include <string_view>

#include "platform/clock.hpp"

namespace pipelab::rpc {

/// The times of a request, in nanoseconds on one monotonic clock that both sides read, each no
/// earlier than the one before it. What the server knows is there for those that are kept whole.
struct CallTimes {
  platform::Nanoseconds intended_ns;  ///< when the schedule wanted it made
  platform::Nanoseconds sent_ns;      ///< when the client began to write it
  platform::Nanoseconds taken_ns;     ///< when the server had its message
  platform::Nanoseconds parsed_ns;    ///< when the server knew what it asks for
  platform::Nanoseconds worked_ns;    ///< when the server had done that
  platform::Nanoseconds answered_ns;  ///< when the server handed over the message of its reply
  platform::Nanoseconds done_ns;      ///< when the client had found the request of that reply

  static constexpr std::array<std::string_view, 6> kStages{"lateness", "request", "parsing",
                                                           "work",     "answer",  "reply"};
  static constexpr std::array<std::string_view, 2> kMetrics{"round_trip", "response"};

  /// Of kStages.
  std::array<platform::Nanoseconds, kStages.size()> stages_ns() const noexcept {
    return {sent_ns - intended_ns, taken_ns - sent_ns,      parsed_ns - taken_ns,
            worked_ns - parsed_ns, answered_ns - worked_ns, done_ns - answered_ns};
  }

  /// Of kMetrics.
  std::array<platform::Nanoseconds, kMetrics.size()> metrics_ns() const noexcept {
    return {done_ns - sent_ns, done_ns - intended_ns};
  }
};

}  // namespace pipelab::rpc
