#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <vector>

#include "platform/clock.hpp"
#include "record/histogram.hpp"
#include "threads/record.hpp"
#include "workload.hpp"
#include "workloads/ingress/event_loop.hpp"
#include "workloads/ingress/options.hpp"
#include "workloads/ingress/producer.hpp"
#include "workloads/ingress/task.hpp"

namespace pipelab::ingress {

/// What one run measured, beside what the recorder holds.
struct Measured {
  Measured(const Options& options, const record::Intervals& intervals)
      : submitted(options, intervals) {}

  platform::Nanoseconds begin_ns{0};    ///< when the measured phase began
  platform::Nanoseconds elapsed_ns{0};  ///< from there to its end or the last task's, if later
  Submitted submitted;                  ///< of all producers together
  Turns turns{};                        ///< of the loop
  platform::Nanoseconds waited_ns{0};   ///< from submit to start, of all measured tasks
  std::uint64_t thrown{0};              ///< tasks that threw, in the whole run
  std::uint64_t wakes{0};               ///< system calls that woke the loop, in the whole run
  std::uint64_t sleeps{0};              ///< of the loop, in the whole run
  std::size_t queue_bytes{0};           ///< of memory that the queue has
  std::vector<std::uint64_t> tasks{};   ///< measured ones that were done, of each producer
  std::vector<threads::Record> threads{};
};

/// Runs the ingress that the options describe, and leaves the tasks of the measured phase in
/// `recorder`; setting `stop` ends both phases early. Throws std::system_error when the kernel
/// refuses what the options want, std::logic_error when a task was lost, doubled or out of order,
/// and std::runtime_error when the watchdog found that nothing went on.
Measured measure(const Kit& kit, const Options& options, Recorder& recorder,
                 std::atomic<bool>& stop);

}  // namespace pipelab::ingress
