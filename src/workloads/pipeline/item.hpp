#pragma once

#include "platform/clock.hpp"

namespace pipelab::pipeline {

/// What travels through the queue: the times that the producer knows (see ItemTimes).
struct Item {
  platform::Nanoseconds intended_ns{0};
  platform::Nanoseconds created_ns{0};
  platform::Nanoseconds pushed_ns{0};
};

}  // namespace pipelab::pipeline
