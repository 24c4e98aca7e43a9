#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace pipelab::attendant {

/// What /proc/PID/stat says of a process.
struct Process {
  pid_t pid{0};
  std::string name;
  bool lives{false};  ///< one of its threads has not ended
  pid_t parent{0};
  pid_t group{0};
};

/// Reads a line of /proc/PID/stat (proc(5)); nothing when it is none.
std::optional<Process> parse_process(std::string_view line);

/// The whole numbers that are names in `folder`, in ascending order.
std::vector<pid_t> numbers_in(const std::string& folder);

/// All processes that descend from this one, in order of pid. This one must be their subreaper
/// (prctl(2)), so that it has those, too, whose parents ended.
std::vector<Process> descendants();

/// Ends all descendants, also while they fork, and reaps them. Gives up after about a second;
/// whether none is left.
bool kill_descendants();

}  // namespace pipelab::attendant
