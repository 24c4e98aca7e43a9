#pragma once

#include <atomic>

#include "pipeline/options.hpp"
#include "pipeline/producer.hpp"
#include "platform/clock.hpp"
#include "record/recorder.hpp"

namespace pipelab::pipeline {

/// What one run measured, beside what the recorder holds.
struct Outcome {
  Production production;             ///< of the measured phase
  platform::Nanoseconds begin_ns;    ///< when the measured phase began
  platform::Nanoseconds elapsed_ns;  ///< from there to its end or to the last item's, if later
};

/// Runs the pipeline that `options` describe: warm-up, measured phase, and consumption of what is
/// then left in the queue. Items of the measured phase go to `recorder`; setting `stop` ends both
/// phases early. Throws std::system_error when a thread cannot be started or pinned, and
/// std::logic_error when items were lost or doubled.
Outcome run(const Options& options, record::Recorder& recorder, const std::atomic<bool>& stop);

}  // namespace pipelab::pipeline
