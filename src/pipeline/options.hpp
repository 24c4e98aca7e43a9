#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "platform/clock.hpp"

namespace pipelab::pipeline {

enum class Queue { kSpsc, kMutex };
enum class OnFull { kDrop, kBlock };
enum class Pacing { kSleep, kDeadline };
enum class Wait { kSpin, kYield, kFutex, kHybrid };

/// One run of the pipeline, as the command line describes it.
struct Options {
  double duration_s{2.0};  ///< how long items are produced and measured, after the warm-up
  double warmup_s{0.1};    ///< how long items are produced first, without being measured
  std::int64_t prod_interval_us{1000};  ///< time between items; 0: as fast as possible
  std::size_t queue_cap{64};            ///< items that the queue holds
  std::optional<int> pin_producer;      ///< CPU of the producer; none: the kernel chooses
  std::optional<int> pin_consumer;      ///< CPU of the consumer; none: the kernel chooses
  std::size_t work_bytes{0};            ///< bytes that the consumer reads and writes for each item
  std::size_t max_samples{100'000};     ///< items whose times are kept one by one
  std::uint64_t seed{1};                ///< of the bytes that the consumer works on
  Queue queue{Queue::kSpsc};
  OnFull on_full{OnFull::kDrop};
  Pacing pacing{Pacing::kDeadline};
  Wait wait{Wait::kFutex};
  std::string latencies_path;  ///< where to write the kept items; empty: nowhere
  std::string histogram_path;  ///< where to write the counts of all items; empty: nowhere
  std::string hlog_path;       ///< where to write them for HdrHistogram's tools; empty: nowhere
  std::string stats_path;      ///< where to write the totals; empty: nowhere
};

/// What parse() decided.
struct Parsed {
  std::optional<Options> options;  ///< what to run; none when the program should end now
  int exit_code{0};                ///< with which code, when it should end
};

/// Reads a command line. Prints help or the version on stdout, or what is wrong with it in one line
/// on stderr (exit code 2).
Parsed parse(int argc, const char* const* argv);

}  // namespace pipelab::pipeline
