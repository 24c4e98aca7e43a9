#include "threads/process.hpp"

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <new>
#include <stdexcept>
#include <system_error>
#include <vector>

namespace pipelab::threads {
namespace {

/// A number that a process shares with those that it forks. It is never unmapped.
class SharedNumber {
 public:
  SharedNumber()
      : number_(::new (mmap(nullptr, sizeof(std::atomic<int>), PROT_READ | PROT_WRITE,
                            MAP_SHARED | MAP_ANONYMOUS, -1, 0)) std::atomic<int>{0}) {}

  std::atomic<int>& operator*() const noexcept { return *number_; }

 private:
  std::atomic<int>* number_;
};

TEST(Process, StartsWhenItIsToldToAndBringsItsRecords) {
  const SharedNumber started;
  Process process([&](Process::Parent parent) -> std::vector<Record> {
    parent.ready();
    *started = static_cast<int>(getpid());
    return {{.name = "responder-63", .role = "responder", .tid = 42, .cpu = 1},
            {.name = "second", .role = "listener", .tid = 43}};
  });
  process.wait_until_ready();
  EXPECT_EQ(*started, 0);
  process.start();
  const std::vector<Record> records = process.join();
  EXPECT_NE(*started, 0);
  EXPECT_NE(*started, static_cast<int>(getpid()));
  ASSERT_EQ(records.size(), 2U);
  EXPECT_EQ(records[0].name, "responder-63");
  EXPECT_EQ(records[0].role, "responder");
  EXPECT_EQ(records[0].tid, 42);
  EXPECT_EQ(records[0].cpu, 1);
  EXPECT_EQ(records[1].cpu, std::nullopt);
  EXPECT_FALSE(records[1].counters.run_time_ns);
}

TEST(Process, ThrowsWhatTheOtherThrew) {
  Process refused([](const Process::Parent& /*parent*/) -> std::vector<Record> {
    throw std::system_error(EPERM, std::generic_category(), "be great");
  });
  try {
    refused.wait_until_ready();
    ADD_FAILURE();
  } catch (const std::system_error& error) {
    EXPECT_EQ(error.code().value(), EPERM);
    EXPECT_STREQ(error.what(), "be great: Operation not permitted");
  }
  Process wrong([](const Process::Parent& parent) -> std::vector<Record> {
    parent.ready();
    throw std::logic_error("this cannot be");
  });
  wrong.wait_until_ready();
  wrong.start();
  EXPECT_THROW(wrong.join(), std::logic_error);
  Process greedy(
      [](const Process::Parent& /*parent*/) -> std::vector<Record> { throw std::bad_alloc(); });
  EXPECT_THROW(greedy.wait_until_ready(), std::bad_alloc);
}

TEST(Process, IsSeenToDie) {
  Process process([](const Process::Parent& parent) -> std::vector<Record> {
    parent.ready();
    std::raise(SIGKILL);
    return {};
  });
  process.wait_until_ready();
  pollfd death{.fd = process.death(), .events = POLLIN, .revents = 0};
  EXPECT_EQ(poll(&death, 1, 0), 0);
  process.start();
  EXPECT_EQ(poll(&death, 1, 60'000), 1);
  EXPECT_THROW(process.join(), std::runtime_error);
}

TEST(Process, IgnoresInterruptsAndDoesNotOutliveItsParent) {
  pid_t pid = 0;
  {
    const SharedNumber its_pid;
    Process process([&](const Process::Parent& parent) -> std::vector<Record> {
      std::raise(SIGINT);
      std::raise(SIGTERM);
      *its_pid = static_cast<int>(getpid());
      parent.ready();
      return {};
    });
    process.wait_until_ready();
    pid = *its_pid;
    EXPECT_EQ(kill(pid, 0), 0);
  }
  EXPECT_EQ(kill(pid, 0), -1);
}

}  // namespace
}  // namespace pipelab::threads
