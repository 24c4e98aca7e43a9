#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <string_view>

#include "platform/clock.hpp"
#include "record/recorder.hpp"

namespace pipelab::ingress {

/// What is handed to the loop.
struct Task {
  platform::Nanoseconds intended_ns{0};
  platform::Nanoseconds submitted_ns{0};
  std::uint64_t number{0};       ///< of its producer's, from 0
  std::uint64_t seen_number{0};  ///< how many tasks of producer `seen` had been handed over before
  std::uint16_t producer{0};
  std::uint16_t seen{0};
  bool measured{false};  ///< a burst of the warm-up can end after it: its producer says
};

/// The times of a task, in nanoseconds on one monotonic clock.
struct TaskTimes {
  platform::Nanoseconds intended_ns;   ///< when the schedule wanted it submitted
  platform::Nanoseconds submitted_ns;  ///< when its producer began to, and had room for it
  platform::Nanoseconds published_ns;  ///< when the producer knew that it was in the queue
  platform::Nanoseconds noticed_ns;    ///< when the turn of the loop began in which it was run
  platform::Nanoseconds started_ns;    ///< when it was
  platform::Nanoseconds done_ns;

  static constexpr std::array<std::string_view, 5> kStages{"lateness", "publish", "wake_up",
                                                           "behind", "service"};
  static constexpr std::array<std::string_view, 2> kMetrics{"latency", "response"};

  /// Of kStages. The loop can start a task before its producer knows that it has it, and in a turn
  /// that had begun before.
  std::array<platform::Nanoseconds, kStages.size()> stages_ns() const noexcept {
    const platform::Nanoseconds there_ns = std::clamp(published_ns, submitted_ns, started_ns);
    const platform::Nanoseconds awake_ns = std::clamp(noticed_ns, there_ns, started_ns);
    return {submitted_ns - intended_ns, there_ns - submitted_ns, awake_ns - there_ns,
            started_ns - awake_ns, done_ns - started_ns};
  }

  /// Of kMetrics.
  std::array<platform::Nanoseconds, kMetrics.size()> metrics_ns() const noexcept {
    return {started_ns - submitted_ns, done_ns - intended_ns};
  }
};

using Recorder = record::Recorder<TaskTimes>;

}  // namespace pipelab::ingress
