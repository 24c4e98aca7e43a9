#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "channel/options.hpp"
#include "load/arrivals.hpp"
#include "load/options.hpp"
#include "platform/clock.hpp"
#include "platform/scheduling.hpp"

namespace pipelab::pipeline {

/// One run of the pipeline, as the command line describes it.
struct Options {
  double duration_s{2.0};  ///< how long items are produced and measured, after the warm-up
  double warmup_s{0.1};    ///< how long items are produced first, without being measured
  double prod_interval_us{
      1000.0};            ///< time between items, to the nanosecond; 0: as fast as possible
  load::Arrival arrival;  ///< how items are spread around that interval
  load::Pacing pacing{load::Pacing::kDeadline};
  std::uint64_t seed{1};      ///< of the bytes that are worked on, and of random arrivals
  std::size_t work_bytes{0};  ///< bytes that the consumer reads and writes for each item
  std::size_t item_bytes{0};  ///< payload that travels with each item; a multiple of 8
  bool zero_copy{false};      ///< the payload is written and read where it lies in the queue

  channel::Queue queue{channel::Queue::kSpsc};
  std::size_t queue_cap{64};  ///< items that the queue holds
  std::size_t batch{1};       ///< items that one side tells the other of at once
  channel::OnFull on_full{channel::OnFull::kDrop};
  channel::Wait wait{channel::Wait::kFutex};

  std::optional<int> pin_producer;             ///< CPU of the producer; none: the kernel chooses
  std::optional<int> pin_consumer;             ///< CPU of the consumer; none: the kernel chooses
  platform::Scheduling scheduling;             ///< of both threads
  std::optional<std::int64_t> timer_slack_ns;  ///< of both threads; none: the kernel's own
  std::optional<int> numa_node;                ///< of the queue's memory; none: the kernel chooses
  bool mlock{false};                           ///< keep all memory from being paged out

  std::size_t max_samples{100'000};  ///< items whose times are kept one by one
  std::size_t sample_every{1};       ///< of so many items one is kept
  std::string latencies_path;        ///< where to write the kept items; empty: nowhere
  std::string histogram_path;        ///< where to write the counts of all items; empty: nowhere
  std::string stats_path;            ///< where to write the totals; empty: nowhere
};

/// What parse() decided.
struct Parsed {
  std::optional<Options> options;  ///< what to run; none when the program should end now
  int exit_code{0};                ///< with which code, when it should end
};

/// Reads a command line. Prints help or the version on stdout, or what is wrong with it in one line
/// on stderr (exit code 2). With --check that is all; with --check-lines it reads command lines
/// from stdin, and prints `LINE: what is wrong` for each wrong one on stdout.
Parsed parse(int argc, const char* const* argv);

}  // namespace pipelab::pipeline
