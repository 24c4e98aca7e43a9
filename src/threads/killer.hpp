#pragma once

#include <fmt/format.h>
#include <sys/types.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <fstream>
#include <string>

#include "platform/clock.hpp"

namespace pipelab::threads {

/// Forks a process that kills what this one forks next, after a while: for tests of a run whose
/// other process dies. (Not a thread: processes that are to have threads must be forked by one that
/// has none.) Returns its number, for waitpid(2).
inline pid_t fork_killer() {
  const std::string file = fmt::format("/proc/{0}/task/{0}/children", getpid());
  const pid_t killer = fork();
  if (killer != 0) {
    return killer;
  }
  const std::atomic<bool> never_stop{false};
  while (true) {
    std::ifstream children(file);
    for (pid_t child = 0; children >> child;) {
      if (child != getpid()) {
        platform::sleep_for(20'000'000, never_stop);
        kill(child, SIGKILL);
        _exit(0);
      }
    }
  }
}

}  // namespace pipelab::threads
