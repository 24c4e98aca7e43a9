#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <vector>

#include "platform/clock.hpp"
#include "record/recorder.hpp"
#include "threads/crew.hpp"
#include "workload.hpp"
#include "workloads/pipeline/item_times.hpp"
#include "workloads/pipeline/options.hpp"
#include "workloads/pipeline/producer.hpp"

namespace pipelab::pipeline {

using Recorder = record::Recorder<ItemTimes>;

/// What one run measured, beside what the recorder holds.
struct Measured {
  Production production;                 ///< of the measured phase
  platform::Nanoseconds begin_ns;        ///< when the measured phase began
  platform::Nanoseconds elapsed_ns;      ///< from there to its end or to the last item's, if later
  std::vector<threads::Record> threads;  ///< the producer, the consumer
  std::optional<std::int64_t>
      wake_ups;                      ///< system calls that woke the other thread, in the whole run
  std::vector<std::uint64_t> drops;  ///< items that were dropped in each interval
};

/// Runs the pipeline that the options describe: warm-up, measured phase, and consumption of what is
/// then left in the queue. Items of the measured phase go to `recorder`; setting `stop` ends both
/// phases early. Throws std::system_error when the kernel refuses what the options want,
/// std::logic_error when items were lost, doubled or torn, and whatever one of the threads threw,
/// which sets `stop` for the other.
Measured measure(const Kit& kit, const Options& options, Recorder& recorder,
                 std::atomic<bool>& stop);

}  // namespace pipelab::pipeline
