#include "channel/link.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <memory_resource>
#include <thread>

#include "platform/thread_counters.hpp"

namespace pipelab::channel {
namespace {

struct Item {};

using FutexLink = RingLink<Item, Wait::kFutex, queue::Eager>;

TEST(RingLink, MakesNoSystemCallWhileBothSidesAreAwake) {
  FutexLink link(Options{}, std::pmr::get_default_resource());
  Item item;
  for (int round = 0; round < 1000; ++round) {
    ASSERT_EQ(link.try_push({}), Push::kPushed);
    ASSERT_TRUE(link.try_pop(item));
  }
  EXPECT_EQ(link.wake_ups(), 0);
}

/// Waits until the thread that announces itself in `tid` has gone to sleep once more than `before`.
std::int64_t wait_for_sleep(const std::atomic<pid_t>& tid, std::int64_t before) {
  for (;;) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
    const auto sleeps = platform::read_thread_counters(tid).voluntary_switches;
    if (sleeps.value_or(0) > before) {
      return *sleeps;
    }
  }
}

TEST(RingLink, MakesOneSystemCallForEachIdlePeriod) {
  constexpr int kPeriods = 20;
  FutexLink link(Options{}, std::pmr::get_default_resource());
  std::atomic<pid_t> tid{0};
  std::atomic<int> popped{0};
  std::jthread consumer([&] {
    tid = platform::this_thread_id();
    Item item;
    while (!link.closed()) {
      if (link.try_pop(item)) {
        ++popped;
      } else {
        link.park_consumer();
      }
    }
  });
  while (tid == 0) {
    std::this_thread::yield();
  }
  std::int64_t sleeps = 0;
  for (int period = 1; period <= kPeriods; ++period) {
    sleeps = wait_for_sleep(tid, sleeps);
    ASSERT_EQ(link.try_push({}), Push::kPushed);
    while (popped < period) {
      std::this_thread::yield();
    }
    EXPECT_EQ(link.wake_ups(), period);
  }
  link.close();
}

TEST(RingLink, KeepsEachPayloadUntilTheNextPop) {
  Options options;
  options.queue_cap = 2;
  options.item_bytes = 16;
  RingLink<Item, Wait::kSpin, queue::Eager> link(options, std::pmr::get_default_resource());
  const auto push = [&](std::uint64_t number) {
    std::ranges::fill(link.next_payload(), number);
    return link.try_push({});
  };
  Item item;
  std::uint64_t pushed = 0;
  ASSERT_EQ(push(++pushed), Push::kPushed);
  for (std::uint64_t expected = 1; expected < 20; ++expected) {
    ASSERT_TRUE(link.try_pop(item));
    const Payload held = link.popped_payload();
    while (push(pushed + 1) == Push::kPushed) {  // fill the queue, and the producer's hand
      ++pushed;
    }
    EXPECT_EQ(held.size(), 2U);
    EXPECT_EQ(held.front(), expected);
    EXPECT_EQ(held.back(), expected);
  }
}

}  // namespace
}  // namespace pipelab::channel
