#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "cli/options.hpp"
#include "threads/waker.hpp"
#include "workload.hpp"

namespace pipelab::ingress {

using threads::WakeBy;

enum class Queue { kList, kMutexSwap, kMutexChunk, kMutexDetach, kRing, kLanes, kDirect };
enum class Nodes { kSlab, kMalloc, kIntrusive };
enum class Consumer { kSpin, kPark, kHybrid };
enum class OnFull { kBlock, kDrop };
enum class Order { kProducer, kGlobal };

/// Who stalls, once, in the middle of a run, until the watchdog ends it.
struct Fault {
  enum class What { kProducer, kLoop };

  What what{What::kProducer};
  double at_s{0};  ///< after the begin of what is measured
};

/// What an ingress has beside the kit's options.
struct Options {
  std::size_t producers{4};
  Queue queue{Queue::kList};
  Nodes nodes{Nodes::kSlab};  ///< of a list
  std::size_t bound{1024};    ///< tasks that are submitted and not done, of all producers
  OnFull on_full{OnFull::kBlock};
  std::size_t budget{256};     ///< tasks a turn of the loop
  std::size_t burst{0};        ///< tasks that a producer submits before it waits for them; 0: never
  std::int64_t pause_us{0};    ///< between bursts
  std::int64_t task_ns{0};     ///< what a task takes
  std::size_t throw_every{0};  ///< which tasks throw; 0: none
  Consumer consumer{Consumer::kHybrid};
  WakeBy wake{WakeBy::kFutex};
  bool no_elision{false};  ///< each submit wakes the loop, also when it is awake
  Order order{Order::kProducer};
  std::size_t watchdog_ms{10'000};  ///< without progress, until the run is ended
  std::optional<Fault> fault{};
  threads::RoleOptions producer{};
  threads::RoleOptions loop{};

  /// How many of a producer's tasks can be submitted and not done.
  std::size_t share() const noexcept { return (bound + producers - 1) / producers; }
};

void add_options(cli::Options& all, Options& options);

/// What is wrong with the options, together with the kit's; empty if nothing is.
std::string conflict(const Options& options, const Kit& kit);

/// Reads `stall-producer@SECONDS` and `stall-loop@SECONDS`.
std::optional<Fault> to_fault(std::string_view text);

}  // namespace pipelab::ingress
