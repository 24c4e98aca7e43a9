#pragma once

#include <array>
#include <string_view>

#include "platform/clock.hpp"

namespace pipelab::pipeline {

/// The five times of an item, in nanoseconds on one monotonic clock, each no earlier than the one
/// before it. They split what a user of the pipeline feels into stages that add up exactly:
///
///     response = lateness + enqueue + queue latency + service
struct ItemTimes {
  platform::Nanoseconds intended_ns;  ///< when the schedule wanted it made
  platform::Nanoseconds created_ns;   ///< when the producer made it
  platform::Nanoseconds pushed_ns;    ///< when the push that succeeded began
  platform::Nanoseconds popped_ns;    ///< when the consumer had it
  platform::Nanoseconds done_ns;      ///< when the consumer's work on it ended

  static constexpr std::array<std::string_view, 4> kStages{"lateness", "enqueue", "queue_latency",
                                                           "service"};
  static constexpr std::array<std::string_view, 2> kMetrics{"latency", "response"};

  platform::Nanoseconds latency_ns() const noexcept { return popped_ns - created_ns; }
  platform::Nanoseconds response_ns() const noexcept { return done_ns - intended_ns; }

  /// Of kStages.
  std::array<platform::Nanoseconds, kStages.size()> stages_ns() const noexcept {
    return {created_ns - intended_ns, pushed_ns - created_ns, popped_ns - pushed_ns,
            done_ns - popped_ns};
  }

  /// Of kMetrics.
  std::array<platform::Nanoseconds, kMetrics.size()> metrics_ns() const noexcept {
    return {latency_ns(), response_ns()};
  }
};

}  // namespace pipelab::pipeline
