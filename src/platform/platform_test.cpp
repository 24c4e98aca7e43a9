#include <gtest/gtest.h>
#include <sched.h>

#include <atomic>
#include <system_error>
#include <thread>

#include "platform/clock.hpp"
#include "platform/cpu.hpp"
#include "platform/parking_spot.hpp"

namespace pipelab::platform {
namespace {

TEST(Clock, NeverSleepsTooShort) {
  const Nanoseconds begin = now_ns();
  sleep_for(2'000'000);
  EXPECT_GE(now_ns() - begin, 2'000'000);
  const Nanoseconds deadline = now_ns() + 2'000'000;
  sleep_until(deadline);
  EXPECT_GE(now_ns(), deadline);
}

TEST(Clock, CostsSomethingToRead) { EXPECT_GT(clock_read_cost_ns(), 0.0); }

TEST(Cpu, WritesCpuLists) {
  EXPECT_EQ(cpu_list({}), "");
  EXPECT_EQ(cpu_list({3}), "3");
  EXPECT_EQ(cpu_list({0, 1}), "0-1");
  EXPECT_EQ(cpu_list({0, 2, 3, 4, 5, 9}), "0,2-5,9");
}

TEST(Cpu, PinsTheThread) {
  std::jthread([] {
    for (const int cpu : allowed_cpus()) {
      pin_this_thread(cpu);
      EXPECT_EQ(sched_getcpu(), cpu);
    }
  }).join();
}

TEST(Cpu, SaysWhichCpuItCannotPinTo) {
  try {
    pin_this_thread(1023);
    FAIL() << "nothing was thrown";
  } catch (const std::system_error& error) {
    EXPECT_STREQ(error.what(), "pin to CPU 1023: Invalid argument");
  }
}

TEST(ParkingSpot, DoesNotSleepWhenReady) {
  ParkingSpot spot;
  spot.park([] { return true; });  // would hang otherwise
}

TEST(ParkingSpot, LosesNoWakeUp) {
  constexpr int kRounds = 50'000;
  ParkingSpot ping_spot;
  ParkingSpot pong_spot;
  std::atomic<int> ping{0};
  std::atomic<int> pong{0};
  std::jthread partner([&] {
    for (int round = 1; round <= kRounds; ++round) {
      while (ping.load() != round) {
        ping_spot.park([&] { return ping.load() == round; });
      }
      pong.store(round);
      pong_spot.wake();
    }
  });
  for (int round = 1; round <= kRounds; ++round) {
    ping.store(round);
    ping_spot.wake();
    while (pong.load() != round) {
      pong_spot.park([&] { return pong.load() == round; });
    }
  }
  EXPECT_EQ(pong.load(), kRounds);
}

}  // namespace
}  // namespace pipelab::platform
