#pragma once

#include <atomic>
#include <cstdint>
#include <optional>

#include "platform/clock.hpp"
#include "platform/thread_counters.hpp"
#include "record/recorder.hpp"
#include "workloads/pipeline/options.hpp"
#include "workloads/pipeline/producer.hpp"

namespace pipelab::pipeline {

/// What one run measured, beside what the recorder holds.
struct Outcome {
  Production production;              ///< of the measured phase
  platform::Nanoseconds begin_ns;     ///< when the measured phase began
  platform::Nanoseconds elapsed_ns;   ///< from there to its end or to the last item's, if later
  platform::ThreadCounters producer;  ///< what the kernel counted from just before that phase on
  platform::ThreadCounters consumer;
  std::optional<std::int64_t>
      wake_ups;  ///< system calls that woke the other thread, in the whole run
};

/// Runs the pipeline that `options` describe: warm-up, measured phase, and consumption of what is
/// then left in the queue. Items of the measured phase go to `recorder`; setting `stop` ends both
/// phases early. Throws std::system_error when the kernel refuses what the options want,
/// std::logic_error when items were lost, doubled or torn, and whatever one of the threads threw,
/// which sets `stop` for the other.
Outcome run(const Options& options, record::Recorder& recorder, std::atomic<bool>& stop);

/// Throws std::runtime_error, saying how much there is, when `options` need more memory than that.
void require_memory(const Options& options);

}  // namespace pipelab::pipeline
