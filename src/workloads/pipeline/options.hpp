#pragma once

#include <cstddef>
#include <optional>

#include "channel/options.hpp"
#include "platform/scheduling.hpp"

namespace pipelab::pipeline {

/// What the pipeline has beside the kit's options.
struct Options {
  channel::Options channel;
  std::size_t work_bytes{0};        ///< bytes that the consumer reads and writes for each item
  std::optional<int> pin_producer;  ///< CPU of the producer; none: the kernel chooses
  std::optional<int> pin_consumer;  ///< CPU of the consumer; none: the kernel chooses
  std::optional<platform::Scheduling> sched_producer;  ///< its own class; none: the kit's
  std::optional<platform::Scheduling> sched_consumer;
};

}  // namespace pipelab::pipeline
