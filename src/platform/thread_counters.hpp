#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>

#include "platform/clock.hpp"

namespace pipelab::platform {

/// What the kernel has counted for one thread since its start. What the kernel does not tell is
/// absent.
struct ThreadCounters {
  std::optional<std::int64_t> voluntary_switches;    ///< it went to sleep
  std::optional<std::int64_t> involuntary_switches;  ///< another thread took its CPU
  std::optional<std::int64_t> migrations;            ///< moves from one CPU to another
  std::optional<std::int64_t> page_faults;           ///< minor and major
  std::optional<std::int64_t> run_delay_ns;          ///< ready to run, but waiting for a CPU
  std::optional<std::int64_t> run_time_ns;           ///< on a CPU
  std::optional<std::int64_t> user_ns;    ///< of the run time, in ticks of the kernel (10 ms)
  std::optional<std::int64_t> system_ns;  ///< the rest of it, in the same ticks

  /// What was counted between `before` and this.
  ThreadCounters since(const ThreadCounters& before) const noexcept;
};

/// Reads the counters of thread `tid`, of whatever process.
ThreadCounters read_thread_counters(pid_t tid);

/// The CPU that thread `tid`, of whatever process, is on or was on last.
std::optional<int> last_cpu(pid_t tid);

/// The calling thread's number.
pid_t this_thread_id() noexcept;

}  // namespace pipelab::platform
