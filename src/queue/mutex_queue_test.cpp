#include "queue/mutex_queue.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <deque>
#include <random>
#include <thread>

#include "platform/cpu.hpp"

namespace pipelab::queue {
namespace {

TEST(MutexQueue, HoldsExactlyItsCapacity) {
  for (const std::size_t capacity : {1U, 2U, 3U, 8U, 100U}) {
    MutexQueue<std::uint64_t> queue(capacity);
    EXPECT_EQ(queue.capacity(), capacity);
    for (std::size_t item = 0; item < capacity; ++item) {
      EXPECT_FALSE(queue.full());
      EXPECT_TRUE(queue.try_push(item));
    }
    EXPECT_TRUE(queue.full());
    EXPECT_FALSE(queue.try_push(capacity));
    std::uint64_t item = 0;
    for (std::size_t expected = 0; expected < capacity; ++expected) {
      ASSERT_TRUE(queue.try_pop(item));
      EXPECT_EQ(item, expected);
    }
    EXPECT_FALSE(queue.try_pop(item));
  }
}

TEST(MutexQueue, BehavesLikeADequeUnderRandomOperations) {
  std::mt19937_64 random(11);
  for (const std::size_t capacity : {1U, 3U, 7U, 64U}) {
    MutexQueue<std::uint64_t> queue(capacity);
    std::deque<std::uint64_t> model;
    for (std::uint64_t step = 0; step < 20'000; ++step) {
      if (random() % 2 == 0) {
        const bool pushed = queue.try_push(step);
        ASSERT_EQ(pushed, model.size() < capacity);
        if (pushed) {
          model.push_back(step);
        }
      } else {
        std::uint64_t item = 0;
        const bool popped = queue.try_pop(item);
        ASSERT_EQ(popped, !model.empty());
        if (popped) {
          ASSERT_EQ(item, model.front());
          model.pop_front();
        }
      }
    }
  }
}

TEST(MutexQueue, BringsEveryItemAcrossOnceAndInOrder) {
  constexpr std::uint64_t kItems = 200'000;
  for (const std::size_t capacity : {1U, 5U, 64U}) {
    MutexQueue<std::uint64_t> queue(capacity);
    std::jthread producer([&queue] {
      for (std::uint64_t item = 0; item < kItems; ++item) {
        while (!queue.try_push(item)) {
          platform::spin_hint();
          std::this_thread::yield();
        }
      }
    });
    for (std::uint64_t expected = 0; expected < kItems; ++expected) {
      std::uint64_t item = 0;
      while (!queue.try_pop(item)) {
        platform::spin_hint();
        std::this_thread::yield();
      }
      ASSERT_EQ(item, expected);
    }
  }
}

TEST(MutexQueue, WakesAConsumerWhenItIsClosed) {
  MutexQueue<int> queue(1);
  std::jthread consumer([&queue] { queue.wait_not_empty(); });
  queue.close();
  consumer.join();
  EXPECT_TRUE(queue.closed());
}

TEST(MutexQueue, WakesTheWaitingSide) {
  MutexQueue<int> queue(1);
  int item = 0;
  std::jthread consumer([&] {
    queue.wait_not_empty();
    ASSERT_TRUE(queue.try_pop(item));
  });
  ASSERT_TRUE(queue.try_push(42));
  queue.wait_not_full();
  consumer.join();
  EXPECT_EQ(item, 42);
}

}  // namespace
}  // namespace pipelab::queue
