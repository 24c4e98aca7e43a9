#pragma once

#include <sys/types.h>

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "attendant/processes.hpp"
#include "attendant/stacks.hpp"

namespace pipelab::attendant {

/// What a thread of a program that does not end is about.
struct Stuck {
  pid_t pid{0};
  pid_t tid{0};
  std::string name;
  char state{'?'};    ///< as ps has it: R runs, S and D wait
  std::string wchan;  ///< the function of the kernel that it waits in
  std::string call;   ///< the system call that it is in: "futex(uaddr=0x5581)", "ppoll"; or empty
  std::vector<Frame> frames{};  ///< its stack, where add_stacks() found it
};

/// The system call that a line of /proc/PID/task/TID/syscall tells of.
std::string call_of(std::string_view line);

/// The threads of `processes`, at most 1000.
std::vector<Stuck> stuck_threads(std::span<const Process> processes);

/// Gives the threads their stacks, as stacks_of() does.
void add_stacks(std::span<Stuck> threads);

/// A line a thread: `pid 12 tid 13 worker state S wchan futex_wait_queue in futex(uaddr=0x5581)`,
/// and below it one for each of its frames: `  #1 take() my_app+0x1234`.
std::string hang_lines(std::span<const Stuck> threads);

/// What they have in common, in a line of at most 280 characters. `limit` is what was reached.
std::string hang_summary(std::span<const Stuck> threads, std::string_view limit);

}  // namespace pipelab::attendant
