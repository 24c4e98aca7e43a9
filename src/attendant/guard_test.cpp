#include "attendant/guard.hpp"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

namespace pipelab::attendant {
namespace {

/// What guarded() gives, in a process that has no other children.
int code_of(int (*work)()) {
  const pid_t child = fork();
  if (child == 0) {
    _exit(guarded(work));
  }
  int status = 0;
  waitpid(child, &status, 0);
  return WEXITSTATUS(status);
}

TEST(Guard, GivesWhatTheWorkGives) {
  EXPECT_EQ(code_of([] { return 7; }), 7);
}

TEST(Guard, LetsWhatWasStoppedGoOn) {
  EXPECT_EQ(code_of([] {
              sigset_t blocked;
              sigfillset(&blocked);
              sigprocmask(SIG_BLOCK, &blocked, nullptr);
              const bool before = was_stopped();
              raise(SIGSTOP);
              return before ? 1 : was_stopped() ? 8 : 2;
            }),
            8);
}

TEST(Guard, SaysThatASignalEndedIt) {
  EXPECT_EQ(code_of([] { return raise(SIGKILL); }), 125);
}

}  // namespace
}  // namespace pipelab::attendant
