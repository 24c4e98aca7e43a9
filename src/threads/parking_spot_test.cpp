#include "threads/parking_spot.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

namespace pipelab::threads {
namespace {

TEST(ParkingSpot, DoesNotSleepWhenReady) {
  ParkingSpot spot;
  spot.park([] { return true; });  // would hang otherwise
}

TEST(ParkingSpot, SleepsNoLongerThanItsLimit) {
  ParkingSpot spot;
  EXPECT_TRUE(spot.park([] { return false; }, 1'000'000));
  int looks = 0;
  const auto ready_later_than = [&](int look) { return [&looks, look] { return ++looks > look; }; };
  EXPECT_FALSE(spot.park(ready_later_than(1), 1'000'000)) << "ready, and nobody woke it";
  looks = 0;
  EXPECT_TRUE(spot.park(ready_later_than(2), 1'000'000)) << "ready after its time was up";
  EXPECT_TRUE(spot.park([] { return true; }, 1'000'000));
}

class EachReach : public ::testing::TestWithParam<ParkingSpot::Reach> {};

INSTANTIATE_TEST_SUITE_P(All, EachReach,
                         ::testing::Values(ParkingSpot::Reach::kProcess, ParkingSpot::Reach::kAll));

TEST_P(EachReach, LosesNoWakeUp) {
  constexpr int kRounds = 50'000;
  ParkingSpot ping_spot(GetParam());
  ParkingSpot pong_spot(GetParam());
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
}  // namespace pipelab::threads
