#pragma once

#include <cstddef>

#include "channel/options.hpp"
#include "threads/options.hpp"

namespace pipelab::pipeline {

/// What the pipeline has beside the kit's options.
struct Options {
  channel::Options channel;
  std::size_t work_bytes{0};  ///< bytes that the consumer reads and writes for each item
  threads::RoleOptions producer{};
  threads::RoleOptions consumer{};
};

}  // namespace pipelab::pipeline
