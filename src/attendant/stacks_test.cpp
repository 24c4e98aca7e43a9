#include "attendant/stacks.hpp"

#include <gtest/gtest.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <string>

namespace pipelab::attendant {
namespace {

[[gnu::noinline]] int wait_here(int pipe) {
  const ssize_t written = write(pipe, "x", 1);
  return pause() + static_cast<int>(written);
}

TEST(Stacks, NameTheFunctionsThatAThreadIsIn) {
  std::array<int, 2> ends{};
  ASSERT_EQ(pipe(ends.data()), 0);
  const pid_t child = fork();
  if (child == 0) {
    prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY);
    _exit(wait_here(ends[1]));
  }
  char byte = 0;
  EXPECT_EQ(read(ends[0], &byte, 1), 1);
  const auto stacks = stacks_of(std::array{child});
  kill(child, SIGKILL);
  waitpid(child, nullptr, 0);
  ASSERT_EQ(stacks.size(), 1) << "may this process trace others?";
  EXPECT_TRUE(std::ranges::any_of(stacks.at(child), [](const Frame& frame) {
    return frame.function.find("wait_here") != std::string::npos && frame.file == "pipelab_test";
  }));
  EXPECT_TRUE(stacks_of(std::array{child}).empty());
}

}  // namespace
}  // namespace pipelab::attendant
