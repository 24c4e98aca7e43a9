#include "queue/spsc_ring.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <deque>
#include <memory>
#include <numeric>
#include <random>
#include <stdexcept>
#include <thread>
#include <type_traits>
#include <vector>

#include "platform/cpu.hpp"

namespace pipelab::queue {
namespace {

/// Both policies must do the same, but for when the other side learns of it: the tests flush.
template <class Publication>
class EveryRing : public ::testing::Test {};
using Publications = ::testing::Types<Eager, Batched>;
TYPED_TEST_SUITE(EveryRing, Publications);

/// Counts how often it is made and ended; can refuse to be copied.
struct Counted {
  static inline int alive = 0;
  static inline int made = 0;
  static inline int copies_until_throw = -1;

  explicit Counted(int value) : number(value) { count(); }
  Counted(const Counted& other) : number(other.number) {
    if (copies_until_throw == 0) {
      throw std::runtime_error("no more copies");
    }
    --copies_until_throw;
    count();
  }
  Counted& operator=(const Counted&) = default;
  ~Counted() { --alive; }

  static void count() {
    ++alive;
    ++made;
  }
  static void reset() {
    alive = made = 0;
    copies_until_throw = -1;
  }

  int number;
};

TYPED_TEST(EveryRing, BehavesLikeADequeUnderRandomOperations) {
  std::mt19937_64 random(11);
  for (const std::size_t capacity : {1U, 2U, 3U, 7U, 8U, 64U, 300U}) {
    SpscRing<std::uint64_t, TypeParam> ring(capacity);
    auto producer = ring.producer();
    auto consumer = ring.consumer();
    std::deque<std::uint64_t> model;
    std::uint64_t next = 0;
    std::array<std::uint64_t, 5> items{};
    for (int step = 0; step < 20'000; ++step) {
      const auto most = static_cast<std::size_t>(random() % items.size()) + 1;
      switch (random() % 4) {
        case 0:
          ASSERT_EQ(producer.full(), model.size() == capacity);
          if (producer.try_push(next)) {
            model.push_back(next++);
          }
          break;
        case 1: {
          std::iota(items.begin(), items.end(), next);
          const std::size_t pushed = producer.push(std::span(items).first(most));
          ASSERT_EQ(pushed, std::min(most, capacity - model.size()));
          for (std::size_t item = 0; item < pushed; ++item) {
            model.push_back(next++);
          }
          break;
        }
        case 2: {
          std::uint64_t item = 0;
          ASSERT_EQ(consumer.try_pop(item), !model.empty());
          if (!model.empty()) {
            ASSERT_EQ(item, model.front());
            model.pop_front();
          }
          break;
        }
        default: {
          const std::size_t popped = consumer.pop(std::span(items).first(most));
          ASSERT_EQ(popped, std::min(most, model.size()));
          for (std::size_t item = 0; item < popped; ++item) {
            ASSERT_EQ(items[item], model.front());
            model.pop_front();
          }
        }
      }
      producer.flush();
      consumer.flush();
      ASSERT_EQ(ring.size(), model.size());
    }
  }
}

TYPED_TEST(EveryRing, BringsEveryItemAcrossOnceAndInOrder) {
  constexpr std::uint64_t kItems = 300'000;
  for (const std::size_t capacity : {1U, 5U, 64U, 300U}) {
    SpscRing<std::uint64_t, TypeParam> ring(capacity);
    std::jthread thread([producer = ring.producer()]() mutable {
      for (std::uint64_t item = 0; item < kItems; ++item) {
        while (!producer.try_push(item)) {
          platform::spin_hint();
          std::this_thread::yield();
        }
      }
    });
    auto consumer = ring.consumer();
    for (std::uint64_t expected = 0; expected < kItems; ++expected) {
      std::uint64_t item = 0;
      while (!consumer.try_pop(item)) {
        platform::spin_hint();
        std::this_thread::yield();
      }
      ASSERT_EQ(item, expected);
    }
    thread.join();
  }
}

/// An item of any size and alignment.
template <std::size_t kBytes, std::size_t kAlignment>
struct alignas(kAlignment) Block {
  std::array<unsigned char, kBytes> bytes;
  bool operator==(const Block& other) const { return bytes == other.bytes; }
};

/// Fills the ring to the brim, half empties it, and so on, for more than three laps.
template <class Item, class Publication>
void expect_whole_items() {
  for (const std::size_t capacity : {1U, 8U, 13U, 500U}) {
    SpscRing<Item, Publication> ring(capacity);
    auto producer = ring.producer();
    auto consumer = ring.consumer();
    std::deque<Item> model;
    unsigned char next = 0;
    while (model.size() < capacity) {
      Item item{};
      item.bytes.fill(++next);
      ASSERT_TRUE(producer.try_push(item));
      model.push_back(item);
    }
    for (std::size_t moved = 0; moved < 3 * capacity; ++moved) {
      Item item{};
      item.bytes.fill(++next);
      ASSERT_FALSE(producer.try_push(item));
      Item popped{};
      ASSERT_TRUE(consumer.try_pop(popped));
      ASSERT_EQ(popped, model.front());
      ASSERT_EQ(reinterpret_cast<std::uintptr_t>(consumer.front()) % alignof(Item), 0U);
      model.pop_front();
      consumer.flush();
      ASSERT_TRUE(producer.try_push(item));
      model.push_back(item);
      producer.flush();
      ASSERT_EQ(ring.size(), capacity);
    }
  }
}

TYPED_TEST(EveryRing, KeepsItemsOfEverySizeWhole) {
  expect_whole_items<Block<1, 1>, TypeParam>();
  expect_whole_items<Block<12, 4>, TypeParam>();
  expect_whole_items<Block<24, 8>, TypeParam>();
  expect_whole_items<Block<56, 8>, TypeParam>();
  expect_whole_items<Block<64, 8>, TypeParam>();
  expect_whole_items<Block<64, 64>, TypeParam>();
  expect_whole_items<Block<256, 128>, TypeParam>();
  expect_whole_items<Block<200, 8>, TypeParam>();
}

TYPED_TEST(EveryRing, MakesAndEndsEveryItemOnce) {
  Counted::reset();
  {
    SpscRing<Counted, TypeParam> ring(3);
    auto producer = ring.producer();
    auto consumer = ring.consumer();
    EXPECT_TRUE(producer.try_emplace(1));
    EXPECT_TRUE(producer.try_emplace(2));
    EXPECT_TRUE(producer.try_emplace(3));
    EXPECT_FALSE(producer.try_emplace(4));
    EXPECT_EQ(Counted::made, 3);
    ASSERT_NE(consumer.front(), nullptr);
    consumer.pop();
    EXPECT_EQ(Counted::alive, 2);
    ASSERT_NE(consumer.front(), nullptr);
    EXPECT_EQ(consumer.front()->number, 2);
  }
  EXPECT_EQ(Counted::made, 3);
  EXPECT_EQ(Counted::alive, 0);  // the ring died with two in it
}

TYPED_TEST(EveryRing, IsAsBeforeWhenAConstructorThrows) {
  Counted::reset();
  {
    SpscRing<Counted, TypeParam> ring(2);
    auto producer = ring.producer();
    auto consumer = ring.consumer();
    const Counted one(1);
    EXPECT_TRUE(producer.try_push(one));
    Counted::copies_until_throw = 0;
    EXPECT_THROW(producer.try_push(one), std::runtime_error);
    Counted::copies_until_throw = -1;
    producer.flush();
    EXPECT_EQ(ring.size(), 1U);
    EXPECT_TRUE(producer.try_emplace(2));
    producer.flush();
    ASSERT_NE(consumer.front(), nullptr);
    consumer.pop();
    ASSERT_NE(consumer.front(), nullptr);
    EXPECT_EQ(consumer.front()->number, 2);
  }
  EXPECT_EQ(Counted::alive, 0);
}

TYPED_TEST(EveryRing, KeepsWhatABatchHadPushedWhenACopyThrows) {
  Counted::reset();
  {
    SpscRing<Counted, TypeParam> ring(4);
    auto producer = ring.producer();
    const std::vector<Counted> items{Counted(1), Counted(2), Counted(3)};
    Counted::copies_until_throw = 2;
    EXPECT_THROW(producer.push(items), std::runtime_error);
    Counted::copies_until_throw = -1;
    producer.flush();
    EXPECT_EQ(ring.size(), 2U);
  }
  EXPECT_EQ(Counted::alive, 0);
}

TYPED_TEST(EveryRing, TakesItemsThatCanOnlyBeMoved) {
  SpscRing<std::unique_ptr<int>, TypeParam> ring(2);
  auto producer = ring.producer();
  auto consumer = ring.consumer();
  EXPECT_TRUE(producer.try_push(std::make_unique<int>(7)));
  producer.flush();
  std::unique_ptr<int> item;
  ASSERT_TRUE(consumer.try_pop(item));
  EXPECT_EQ(*item, 7);
}

TYPED_TEST(EveryRing, FillsAndReadsItemsInPlace) {
  SpscRing<int, TypeParam> ring(2);
  auto producer = ring.producer();
  auto consumer = ring.consumer();
  for (int item = 0; item < 5; ++item) {
    int* const room = producer.reserve();
    ASSERT_NE(room, nullptr);
    EXPECT_EQ(ring.size(), 0U);  // not yet handed over
    *room = item;
    producer.commit();
    producer.flush();
    ASSERT_NE(consumer.front(), nullptr);
    EXPECT_EQ(*consumer.front(), item);
    consumer.pop();
    consumer.flush();
  }
}

TYPED_TEST(EveryRing, GivesEachSideToOneHolderAtATime) {
  SpscRing<int, TypeParam> ring(2);
  {
    auto producer = ring.producer();
    EXPECT_THROW(ring.producer(), std::logic_error);
    auto moved = std::move(producer);
    EXPECT_THROW(ring.producer(), std::logic_error);
    EXPECT_TRUE(moved.try_push(1));
  }
  auto producer = ring.producer();  // goes on where the first one was
  EXPECT_TRUE(producer.try_push(2));
  EXPECT_FALSE(producer.try_push(3));
  auto consumer = ring.consumer();
  int item = 0;
  EXPECT_TRUE(consumer.try_pop(item));
  EXPECT_EQ(item, 1);
  static_assert(!std::is_copy_constructible_v<decltype(producer)>);
}

TYPED_TEST(EveryRing, NeedsACapacity) {
  EXPECT_THROW((SpscRing<int, TypeParam>(0)), std::invalid_argument);
}

/// Counts what it gives out.
template <class T>
struct CountingAllocator {
  using value_type = T;
  std::shared_ptr<std::size_t> bytes = std::make_shared<std::size_t>(0);

  CountingAllocator() = default;
  template <class U>
  explicit CountingAllocator(const CountingAllocator<U>& other) : bytes(other.bytes) {}
  T* allocate(std::size_t count) {
    *bytes += count * sizeof(T);
    return std::allocator<T>().allocate(count);
  }
  void deallocate(T* memory, std::size_t count) {
    *bytes -= count * sizeof(T);
    std::allocator<T>().deallocate(memory, count);
  }
};

TYPED_TEST(EveryRing, TakesItsMemoryFromTheGivenAllocator) {
  const CountingAllocator<int> allocator;
  {
    const SpscRing<int, TypeParam, CountingAllocator<int>> ring(100, 0, allocator);
    EXPECT_GE(*allocator.bytes, 100 * sizeof(int));
  }
  EXPECT_EQ(*allocator.bytes, 0U);
}

TEST(BatchedRing, TellsOfItemsInBatchesAndOnFlush) {
  SpscRing<int, Batched> ring(8, 3);
  auto producer = ring.producer();
  auto consumer = ring.consumer();
  EXPECT_TRUE(producer.try_push(1));
  EXPECT_TRUE(producer.try_push(2));
  EXPECT_TRUE(consumer.empty());
  EXPECT_TRUE(producer.try_push(3));
  EXPECT_FALSE(consumer.empty());
  EXPECT_TRUE(producer.try_push(4));
  EXPECT_EQ(ring.size(), 3U);
  producer.flush();
  EXPECT_EQ(ring.size(), 4U);
}

TEST(BatchedRing, HoldsNothingBackFromAnotherThatCanGoNoFurther) {
  SpscRing<int, Batched> ring(4, 3);  // the batch does not divide the capacity
  auto producer = ring.producer();
  auto consumer = ring.consumer();
  int item = 0;
  for (int round = 0; round < 10; ++round) {
    while (producer.try_push(round)) {
    }
    EXPECT_EQ(ring.size(), 4U);  // full: so the last item was told of
    while (consumer.try_pop(item)) {
    }
    EXPECT_EQ(ring.size(), 0U);  // empty: so all the room was given back
  }
}

TEST(BatchedRing, FillsAndReadsManyItemsInPlace) {
  SpscRing<int, Batched> ring(8, 1);
  auto producer = ring.producer();
  auto consumer = ring.consumer();
  int next = 0;
  int expected = 0;
  for (int round = 0; round < 20; ++round) {
    const std::span<int> room = producer.reserve(5);
    ASSERT_FALSE(room.empty());
    for (int& item : room) {
      item = next++;
    }
    producer.commit(room.size());
    const std::span<int> items = consumer.peek(100);
    ASSERT_EQ(items.size(), room.size());
    for (const int item : items) {
      EXPECT_EQ(item, expected++);
    }
    consumer.release(items.size());
  }
  EXPECT_TRUE(consumer.peek(1).empty());
}

}  // namespace
}  // namespace pipelab::queue
