#include "queue/overwrite_ring.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <deque>
#include <random>
#include <stdexcept>
#include <thread>

namespace pipelab::queue {
namespace {

using Ring = OverwriteRing<std::uint64_t>;

Ring ring_of(std::size_t capacity) { return Ring(std::pmr::vector<std::uint64_t>(capacity + 2)); }

TEST(OverwriteRing, KeepsTheNewestItems) {
  Ring ring = ring_of(3);
  auto producer = ring.producer();
  auto consumer = ring.consumer();
  EXPECT_TRUE(consumer.empty());
  EXPECT_EQ(consumer.pop(), nullptr);
  for (std::uint64_t item = 0; item < 5; ++item) {
    producer.hand() = item;
    const bool displaced = producer.push();
    EXPECT_EQ(displaced, item >= 3);
    if (displaced) {
      EXPECT_EQ(producer.hand(), item - 3);
    }
  }
  for (const std::uint64_t expected : {2U, 3U, 4U}) {
    const std::uint64_t* const item = consumer.pop();
    ASSERT_NE(item, nullptr);
    EXPECT_EQ(*item, expected);
  }
  EXPECT_TRUE(consumer.empty());
}

TEST(OverwriteRing, LeavesTheConsumerItsItemUntilTheNextPop) {
  Ring ring = ring_of(2);
  auto producer = ring.producer();
  auto consumer = ring.consumer();
  producer.hand() = 1;
  producer.push();
  const std::uint64_t* const held = consumer.pop();
  for (std::uint64_t item = 2; item < 100; ++item) {
    producer.hand() = item;
    producer.push();
  }
  EXPECT_EQ(*held, 1U);
}

TEST(OverwriteRing, BehavesLikeADequeUnderRandomOperations) {
  std::mt19937_64 random(17);
  for (const std::size_t capacity : {1U, 2U, 3U, 7U, 64U}) {
    Ring ring = ring_of(capacity);
    auto producer = ring.producer();
    auto consumer = ring.consumer();
    std::deque<std::uint64_t> model;
    for (std::uint64_t step = 0; step < 20'000; ++step) {
      if (random() % 3 != 0) {
        producer.hand() = step;
        ASSERT_EQ(producer.push(), model.size() == capacity);
        if (model.size() == capacity) {
          ASSERT_EQ(producer.hand(), model.front());
          model.pop_front();
        }
        model.push_back(step);
      } else {
        const std::uint64_t* const item = consumer.pop();
        ASSERT_EQ(item != nullptr, !model.empty());
        if (item != nullptr) {
          ASSERT_EQ(*item, model.front());
          model.pop_front();
        }
      }
    }
  }
}

TEST(OverwriteRing, RefusesCapacitiesThatItCannotHave) {
  EXPECT_THROW(ring_of(0), std::invalid_argument);
}

TEST(OverwriteRing, AccountsForEveryItemWholeAndInOrderAcrossThreads) {
  constexpr std::uint64_t kItems = 300'000;
  struct Wide {
    std::array<std::uint64_t, 8> words{};
  };
  for (const std::size_t capacity : {1U, 2U, 3U, 64U}) {
    OverwriteRing<Wide> ring(std::pmr::vector<Wide>(capacity + 2));
    std::uint64_t popped = 0;
    std::atomic<bool> closed{false};
    std::jthread consuming([&, consumer = ring.consumer()]() mutable {
      std::uint64_t last = 0;
      for (;;) {
        const bool ended = closed.load(std::memory_order_acquire);
        const Wide* const item = consumer.pop();
        if (item == nullptr) {
          if (ended) {
            return;
          }
          platform::spin_hint();
          continue;
        }
        ++popped;
        for (const std::uint64_t word : item->words) {
          ASSERT_EQ(word, item->words.front());
        }
        ASSERT_GT(item->words.front(), last);
        last = item->words.front();
      }
    });
    std::uint64_t displaced = 0;
    auto producer = ring.producer();
    for (std::uint64_t item = 1; item <= kItems; ++item) {
      producer.hand().words.fill(item);
      displaced += producer.push() ? 1 : 0;
    }
    closed.store(true, std::memory_order_release);
    consuming.join();
    EXPECT_EQ(popped + displaced, kItems);
  }
}

}  // namespace
}  // namespace pipelab::queue
