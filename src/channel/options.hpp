#pragma once

#include <cstddef>
#include <optional>
#include <string>

#include "cli/options.hpp"

namespace pipelab::channel {

enum class Queue { kSpsc, kMutex };
enum class OnFull { kDrop, kBlock, kOverwrite };
enum class Wait { kSpin, kYield, kFutex, kHybrid };

/// What joins two threads.
struct Options {
  std::size_t item_bytes{0};  ///< payload that travels with each item; a multiple of 8
  bool zero_copy{false};      ///< the payload is written and read where it lies in the queue
  Queue queue{Queue::kSpsc};
  std::size_t queue_cap{64};  ///< items that the queue holds
  std::size_t batch{1};       ///< items that one side tells the other of at once
  OnFull on_full{OnFull::kDrop};
  Wait wait{Wait::kFutex};
  std::optional<int> numa_node;  ///< of the queue's memory; none: the kernel chooses
};

void add_options(cli::Options& all, Options& options);

/// What is wrong with the options together; empty if nothing is.
std::string conflict(const Options& options);

/// About how many bytes the link that they describe needs.
double memory_bytes(const Options& options);

}  // namespace pipelab::channel
