#pragma once

#include "platform/clock.hpp"

namespace pipelab::record {

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

  platform::Nanoseconds lateness_ns() const noexcept { return created_ns - intended_ns; }
  platform::Nanoseconds enqueue_ns() const noexcept { return pushed_ns - created_ns; }
  platform::Nanoseconds queue_latency_ns() const noexcept { return popped_ns - pushed_ns; }
  platform::Nanoseconds service_ns() const noexcept { return done_ns - popped_ns; }
  platform::Nanoseconds latency_ns() const noexcept { return popped_ns - created_ns; }
  platform::Nanoseconds response_ns() const noexcept { return done_ns - intended_ns; }
};

}  // namespace pipelab::record
