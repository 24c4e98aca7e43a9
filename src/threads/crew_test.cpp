#include "threads/crew.hpp"

#include <gtest/gtest.h>
#include <sched.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <limits>
#include <stdexcept>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

namespace pipelab::threads {
namespace {

constexpr platform::Nanoseconds kNever = std::numeric_limits<platform::Nanoseconds>::max();

TEST(Crew, StartsTogetherAndEndsInReverseOrder) {
  std::atomic<bool> stop{false};
  std::atomic<int> made{0};
  std::atomic<bool> measured{false};
  std::array<int, 3> seen{};
  std::vector<std::string> ended;
  Crew crew({}, stop);
  for (std::size_t number = 0; number < seen.size(); ++number) {
    const std::string name = "thread " + std::to_string(number);
    crew.add(
        {.name = name, .role = "any", .cpu = {}},
        [&, number](const Crew::Ready& ready) {
          ++made;
          if (ready()) {
            seen.at(number) = made;
            measured.wait(false);  // whose counters are read must still be there
          }
        },
        [&ended, name] { ended.push_back(name); });
  }
  crew.wait_until_ready();
  crew.start(platform::now_ns(), kNever);
  measured = true;
  measured.notify_all();
  const std::vector<Record> records = crew.join();
  EXPECT_EQ(seen, (std::array{3, 3, 3}));
  EXPECT_EQ(ended, (std::vector<std::string>{"thread 2", "thread 1", "thread 0"}));
  ASSERT_EQ(records.size(), 3U);
  EXPECT_EQ(records.front().name, "thread 2");
  EXPECT_EQ(records.front().role, "any");
  EXPECT_GT(records.front().tid, 0);
  EXPECT_TRUE(records.front().cpu);
  EXPECT_TRUE(records.front().counters.run_time_ns);
  EXPECT_FALSE(stop);
}

TEST(Crew, KnowsNoCountersThatItReadTooLate) {
  std::atomic<bool> stop{false};
  Crew crew({}, stop);
  crew.add({.name = "late", .role = "any", .cpu = {}}, [](const Crew::Ready& ready) { ready(); });
  crew.wait_until_ready();
  crew.start(0, platform::now_ns());
  EXPECT_FALSE(crew.join().front().counters.run_time_ns);
}

TEST(Crew, SchedulesAThreadAsItsPostSaysAndOthersAsTheOptionsSay) {
  using Class = platform::Scheduling::Class;
  std::atomic<bool> stop{false};
  std::array<int, 2> seen{};
  Crew crew({}, stop);
  for (const std::size_t number : {0U, 1U}) {
    Post post{.name = "thread " + std::to_string(number), .role = "any", .cpu = {}};
    if (number == 1) {
      post.scheduling = {.klass = Class::kFifo, .priority = 1};
    }
    crew.add(std::move(post), [&seen, number](const Crew::Ready& ready) {
      ready();
      seen.at(number) = sched_getscheduler(0);
    });
  }
  try {
    crew.wait_until_ready();
  } catch (const std::system_error& error) {  // without the right to it
    EXPECT_EQ(error.code().value(), EPERM);
    EXPECT_NE(std::string(error.what()).find("fifo:1"), std::string::npos);
    return;
  }
  crew.start(platform::now_ns(), kNever);
  static_cast<void>(crew.join());
  EXPECT_EQ(seen, (std::array{SCHED_OTHER, SCHED_FIFO}));
}

TEST(Crew, ThrowsWhatAThreadThrewAndStopsTheOthers) {
  std::atomic<bool> stop{false};
  Crew crew({}, stop);
  crew.add({.name = "waits", .role = "any", .cpu = {}}, [&](const Crew::Ready& ready) {
    ready();
    while (!stop) {
    }
  });
  crew.add({.name = "throws", .role = "any", .cpu = {}}, [](const Crew::Ready& ready) {
    ready();
    throw std::runtime_error("what it threw");
  });
  crew.wait_until_ready();
  crew.start(0, kNever);
  EXPECT_THROW(static_cast<void>(crew.join()), std::runtime_error);
}

TEST(Crew, SendsHomeThoseThatWaitWhenOneCannotStart) {
  std::atomic<bool> stop{false};
  bool started = true;
  {
    Crew crew({}, stop);
    crew.add({.name = "waits", .role = "any", .cpu = {}},
             [&](const Crew::Ready& ready) { started = ready(); });
    crew.add({.name = "cannot", .role = "any", .cpu = 1023},
             [](const Crew::Ready& ready) { ready(); });
    EXPECT_THROW(crew.wait_until_ready(), std::system_error);
  }
  EXPECT_FALSE(started);
}

}  // namespace
}  // namespace pipelab::threads
