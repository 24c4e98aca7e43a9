#include "threads/waker.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <deque>
#include <thread>
#include <tuple>

namespace pipelab::threads {
namespace {

class EachWaker : public ::testing::TestWithParam<std::tuple<WakeBy, bool>> {
 protected:
  Waker waker_{std::get<0>(GetParam()), std::get<1>(GetParam())};
};

INSTANTIATE_TEST_SUITE_P(All, EachWaker,
                         ::testing::Combine(::testing::Values(WakeBy::kFutex, WakeBy::kEventfd,
                                                              WakeBy::kPipe, WakeBy::kEpoll,
                                                              WakeBy::kCondvar),
                                            ::testing::Bool()));

TEST_P(EachWaker, DoesNotSleepWhenReady) {
  waker_.sleep([] { return true; });  // would hang otherwise
  EXPECT_EQ(waker_.sleeps(), 0U);
  EXPECT_FALSE(waker_.asleep());
}

TEST_P(EachWaker, CallsTheKernelOnlyForASleeperWhereItElides) {
  const bool elides = std::get<1>(GetParam());
  waker_.wake();
  waker_.wake();
  EXPECT_EQ(waker_.wakes(), elides ? 0U : 2U);
  waker_.poll();
  // Work that comes after the look and before the sleep: the wake-up must not be lost.
  waker_.sleep([&] {
    waker_.wake();
    waker_.wake();
    return false;
  });
  EXPECT_EQ(waker_.wakes(), elides ? 1U : 4U);
  EXPECT_EQ(waker_.sleeps(), 1U);
}

TEST_P(EachWaker, LosesNoWakeUpOfManyThreads) {
  constexpr int kWakers = 4;
  constexpr int kRounds = 5'000;
  std::atomic<int> work{0};
  std::deque<std::jthread> wakers;
  for (int which = 0; which < kWakers; ++which) {
    wakers.emplace_back([&] {
      for (int round = 0; round < kRounds; ++round) {
        work.fetch_add(1, std::memory_order_release);
        waker_.wake();
        while (round % 8 == 0 && work.load() != 0) {
          std::this_thread::yield();  // so that the sleeper falls asleep now and then
        }
      }
    });
  }
  std::uint64_t calls = 0;
  for (int done = 0; done < kWakers * kRounds;) {
    const int found = work.exchange(0);
    done += found;
    if (found == 0) {
      ++calls;
      waker_.sleep([&] { return work.load(std::memory_order_acquire) != 0; });
    }
  }
  if (std::get<1>(GetParam())) {
    EXPECT_LE(waker_.wakes(), calls);  // one a sleep, however many find it asleep
  } else {
    EXPECT_GE(waker_.wakes(), std::uint64_t{kWakers} * (kRounds - 1));
  }
}

}  // namespace
}  // namespace pipelab::threads
