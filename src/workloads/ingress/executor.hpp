#pragma once

#include <atomic>
#include <cstdint>
#include <limits>
#include <vector>

#include "platform/clock.hpp"
#include "workloads/ingress/options.hpp"
#include "workloads/ingress/seats.hpp"
#include "workloads/ingress/task.hpp"

namespace pipelab::ingress {

/// Runs tasks, one after the other, and writes down what is measured of them: of the loop, or of
/// all producers under their lock.
class Executor {
 public:
  /// Once `stop` is set tasks take no time, and are not measured.
  Executor(const Options& options, Seats& seats, Recorder& recorder, const std::atomic<bool>& stop);

  /// Says when the measured part begins; call it before there are tasks. Where the loop is to
  /// stall, it does so then.
  void measure_from(platform::Nanoseconds begin_ns) noexcept;

  /// Runs a task in a turn that began then, and gives its room back; returns when it was done. What
  /// the task throws is counted. Throws std::logic_error when it came twice, too early or too late.
  platform::Nanoseconds run(const Task& task, platform::Nanoseconds noticed_ns);

  bool measures(platform::Nanoseconds time_ns) const noexcept { return time_ns >= begin_ns_; }

  std::uint64_t thrown() const noexcept { return thrown_; }                    ///< in the whole run
  platform::Nanoseconds waited_ns() const noexcept { return waited_ns_; }      ///< of all measured
  const std::vector<std::uint64_t>& tasks() const noexcept { return tasks_; }  ///< by producer

 private:
  void check(const Task& task) const;
  platform::Nanoseconds perform(const Task& task, platform::Nanoseconds started_ns);

  const Options& options_;
  Seats& seats_;
  Recorder& recorder_;
  const std::atomic<bool>& stop_;
  platform::Nanoseconds begin_ns_{0};
  platform::Nanoseconds stall_ns_{std::numeric_limits<platform::Nanoseconds>::max()};
  std::vector<std::uint64_t> due_;  // of each producer: the number of its next task
  std::vector<std::uint64_t> tasks_;
  platform::Nanoseconds waited_ns_{0};
  std::uint64_t thrown_{0};
};

}  // namespace pipelab::ingress
