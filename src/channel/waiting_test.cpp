#include "channel/waiting.hpp"

#include <gtest/gtest.h>

namespace pipelab::channel {
namespace {

/// Turns until the waiter parks.
int patience(Waiter<Wait::kHybrid>& waiter) {
  int turns = 0;
  for (bool parked = false; !parked; ++turns) {
    waiter.pause([&] { parked = true; });
  }
  return turns;
}

TEST(HybridWaiter, SpinsLessWhenItHasToParkAnyway) {
  Waiter<Wait::kHybrid> waiter;
  const int at_first = patience(waiter);
  waiter.reset();
  for (int wait = 0; wait < 100; ++wait) {
    static_cast<void>(patience(waiter));
    waiter.reset();
  }
  EXPECT_LT(patience(waiter), at_first / 3);
}

TEST(HybridWaiter, SpinsLongerWhenThatIsEnough) {
  Waiter<Wait::kHybrid> waiter;
  const int at_first = patience(waiter);
  waiter.reset();
  bool parked = false;
  for (int wait = 0; wait < 100; ++wait) {
    for (int turn = 0; turn < at_first * 3 / 4; ++turn) {
      waiter.pause([&] { parked = true; });
    }
    waiter.reset();
  }
  EXPECT_GT(patience(waiter), at_first);
}

TEST(HybridWaiter, IsBounded) {
  Waiter<Wait::kHybrid> waiter;
  for (int wait = 0; wait < 1000; ++wait) {
    const int turns = patience(waiter);
    EXPECT_GT(turns, 10);
    EXPECT_LT(turns, 2000);
    waiter.reset();
  }
}

}  // namespace
}  // namespace pipelab::channel
