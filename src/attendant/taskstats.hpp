#pragma once

#include <sys/types.h>

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace pipelab::attendant {

/// What the kernel counted of a task, which is a thread, when it ended.
struct Task {
  std::string name;
  pid_t tid{0};
  pid_t pid{0};
  pid_t parent{0};  ///< of its process
  std::uint64_t voluntary_switches{0};
  std::uint64_t involuntary_switches{0};
  std::uint64_t run_delay_ns{0};
  std::uint64_t cpu_ns{0};
  std::uint64_t user_ns{0};
  std::uint64_t system_ns{0};
  std::uint64_t elapsed_ns{0};
};

/// The tasks of netlink messages of the family TASKSTATS; what is cut or unknown is passed over.
std::vector<Task> parse_tasks(std::span<const char> messages);

/// Those of `tasks`, which are about in the order in which they ended, whose process descends from
/// `ancestor`; in order of tid.
std::vector<Task> descending_from(pid_t ancestor, const std::vector<Task>& tasks);

/// Has the kernel keep what it counts of each task of this machine that ends. Nothing of this
/// runs until it is read.
class EndedTasks {
 public:
  /// Begins. Needs root.
  EndedTasks();
  EndedTasks(const EndedTasks&) = delete;
  EndedTasks& operator=(const EndedTasks&) = delete;
  EndedTasks(EndedTasks&&) = delete;
  EndedTasks& operator=(EndedTasks&&) = delete;
  ~EndedTasks();

  /// Whether the kernel does it.
  bool known() const noexcept { return family_ != 0; }

  /// Those that ended since.
  std::vector<Task> read();

  /// Whether what read() gave is not all.
  bool lost() const noexcept { return lost_; }

 private:
  int socket_;
  std::uint16_t family_{0};
  bool lost_{false};
};

}  // namespace pipelab::attendant
