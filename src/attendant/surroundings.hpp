#pragma once

#include <string>

namespace pipelab::attendant {

/// Makes of `root` what a program takes for granted: /proc, /sys, /dev, /dev/shm, /tmp, /run, and
/// the loopback interface. The mounts are this process's and its children's. Needs root. Throws
/// std::system_error, naming what cannot be had.
void make_surroundings(const std::string& root);

/// For a guest whose files did not all fit into its memory, of which they may take half: gives them
/// more of it, without which nobody could say so, and throws std::runtime_error, which does.
[[noreturn]] void fail_incomplete();

}  // namespace pipelab::attendant
