#include "attendant/guard.hpp"

#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <stdexcept>
#include <string>

#include "attendant/processes.hpp"
#include "attendant/text_file.hpp"

namespace pipelab::attendant {

int guarded(const std::function<int()>& work) {
  constexpr int kCannotAttend = 125;
  prctl(PR_SET_CHILD_SUBREAPER, 1);
  const pid_t child = fork();
  if (child < 0) {
    throw std::runtime_error(std::string("cannot start a process: ") + std::strerror(errno));
  }
  if (child == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    _exit(work());
  }
  int status = 0;
  while (true) {
    const pid_t changed = waitpid(child, &status, WUNTRACED);
    if (changed == child && !WIFSTOPPED(status)) {
      break;
    }
    if (changed == child) {
      kill(child, SIGCONT);
    } else if (errno != EINTR) {
      throw std::runtime_error(std::string("cannot wait for a process: ") + std::strerror(errno));
    }
  }
  if (WIFEXITED(status)) {
    return WEXITSTATUS(status);
  }
  kill_descendants();
  say("was ended by signal " + std::to_string(WTERMSIG(status)) + " (" +
      strsignal(WTERMSIG(status)) +
      ") before the program's end: let the program signal no process but its own (this is its "
      "parent, $PPID)");
  return kCannotAttend;
}

bool was_stopped() {
  sigset_t pending;
  return sigpending(&pending) == 0 && sigismember(&pending, SIGCONT) == 1;
}

}  // namespace pipelab::attendant
