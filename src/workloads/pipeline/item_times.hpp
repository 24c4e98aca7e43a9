#pragma once

#include <algorithm>
#include <array>
#include <string_view>

#include "platform/clock.hpp"

namespace pipelab::pipeline {

/// The times of an item, in nanoseconds on one monotonic clock, each but free_ns no earlier than
/// the one before it. They split what a user of the pipeline feels into stages that add up exactly:
///
///     response = lateness + enqueue + behind + wake-up + service
///
/// Behind is the time that it lay in the queue until the consumer was done with the item before,
/// and wake-up the rest of it.
struct ItemTimes {
  platform::Nanoseconds intended_ns;  ///< when the schedule wanted it made
  platform::Nanoseconds created_ns;   ///< when the producer made it
  platform::Nanoseconds pushed_ns;    ///< when the push that succeeded began
  platform::Nanoseconds popped_ns;    ///< when the consumer had it
  platform::Nanoseconds done_ns;      ///< when the consumer's work on it ended
  platform::Nanoseconds free_ns;      ///< when that on the item before it did; 0: there was none

  static constexpr std::array<std::string_view, 5> kStages{"lateness", "enqueue", "behind",
                                                           "wake_up", "service"};
  static constexpr std::array<std::string_view, 2> kMetrics{"latency", "response"};

  /// Of kStages.
  std::array<platform::Nanoseconds, kStages.size()> stages_ns() const noexcept {
    const platform::Nanoseconds alone_ns = std::clamp(free_ns, pushed_ns, popped_ns);
    return {created_ns - intended_ns, pushed_ns - created_ns, alone_ns - pushed_ns,
            popped_ns - alone_ns, done_ns - popped_ns};
  }

  /// Of kMetrics.
  std::array<platform::Nanoseconds, kMetrics.size()> metrics_ns() const noexcept {
    return {popped_ns - created_ns, done_ns - intended_ns};
  }
};

}  // namespace pipelab::pipeline
