#pragma once

#include <array>
#include <string_view>

#include "platform/clock.hpp"
#include "record/recorder.hpp"

namespace pipelab::feed {

/// The times of a delivery, which is a message that came to a client, in nanoseconds on one
/// monotonic clock that both sides read, each no earlier than the one before it. Those between are
/// there for deliveries that are kept whole.
struct DeliveryTimes {
  platform::Nanoseconds intended_ns;   ///< when the schedule wanted the message made
  platform::Nanoseconds generated_ns;  ///< when the server began to make it
  platform::Nanoseconds flushed_ns;    ///< when the server began to send what it is in
  platform::Nanoseconds sent_ns;       ///< when it began to write that to this client
  platform::Nanoseconds received_ns;   ///< when the client had read it
  platform::Nanoseconds parsed_ns;     ///< when the client knew what it says
  platform::Nanoseconds done_ns;       ///< when the client's cache had it

  static constexpr std::array<std::string_view, 6> kStages{"lateness", "batching", "fan_out",
                                                           "transfer", "parsing",  "caching"};
  static constexpr std::array<std::string_view, 2> kMetrics{"latency", "response"};

  /// Of kStages.
  std::array<platform::Nanoseconds, kStages.size()> stages_ns() const noexcept {
    return {generated_ns - intended_ns, flushed_ns - generated_ns, sent_ns - flushed_ns,
            received_ns - sent_ns,      parsed_ns - received_ns,   done_ns - parsed_ns};
  }

  /// Of kMetrics.
  std::array<platform::Nanoseconds, kMetrics.size()> metrics_ns() const noexcept {
    return {done_ns - generated_ns, done_ns - intended_ns};
  }
};

using Recorder = record::Recorder<DeliveryTimes>;

}  // namespace pipelab::feed
