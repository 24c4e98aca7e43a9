#include "queue/mpsc.hpp"

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <deque>
#include <random>
#include <thread>
#include <vector>

#include "queue/chunk_queue.hpp"
#include "queue/lanes.hpp"
#include "queue/mpsc_list.hpp"
#include "queue/mpsc_ring.hpp"
#include "queue/swap_queue.hpp"

namespace pipelab::queue {
namespace {

struct Item {
  std::size_t producer{0};
  std::uint64_t number{0};
  std::uint64_t copy{0};  // of the number: a torn item has another
};

template <class Q>
class EachQueue : public ::testing::Test {};

using Queues =
    ::testing::Types<MpscList<Item, HeapNodes>, MpscList<Item, SlabNodes>, MpscList<Item, OwnNodes>,
                     MpscRing<Item>, SwapQueue<Item>, ChunkQueue<Item, Popping::kUnderLock>,
                     ChunkQueue<Item, Popping::kDetached>, Lanes<Item>>;
TYPED_TEST_SUITE(EachQueue, Queues);

template <class Q>
constexpr bool kHasOrderOfAll = !std::is_same_v<Q, Lanes<Item>>;
template <class Q>  // of OwnNodes there may be one more
constexpr bool kHasBound =
    !std::is_same_v<Q, MpscList<Item, HeapNodes>> && !std::is_same_v<Q, MpscList<Item, OwnNodes>>;

TYPED_TEST(EachQueue, DoesWhatAModelDoes) {
  static_assert(Mpsc<TypeParam>);
  std::mt19937_64 random(22);
  for (const std::size_t share : {1U, 2U, 127U, 128U, 129U, 300U}) {
    TypeParam queue(1, share);
    auto producer = queue.producer(0);
    std::deque<std::uint64_t> model;
    std::uint64_t next = 0;
    for (int round = 0; round < 300; ++round) {
      for (auto pushes = random() % (share + 2); pushes > 0 && model.size() < share; --pushes) {
        ASSERT_TRUE(producer.try_push({0, next, next}));
        model.push_back(next++);
      }
      for (auto pops = random() % (share + 2); pops > 0; --pops) {
        Item item;
        ASSERT_EQ(queue.empty(), model.empty());
        ASSERT_EQ(queue.try_pop(item), !model.empty());
        if (!model.empty()) {
          ASSERT_EQ(item.number, model.front());
          model.pop_front();
        }
      }
    }
  }
}

TYPED_TEST(EachQueue, IsFullWithItsShare) {
  constexpr std::size_t kShare = 5;
  TypeParam queue(1, kShare);
  auto producer = queue.producer(0);
  for (int lap = 0; lap < 3; ++lap) {
    for (std::uint64_t number = 0; number < kShare; ++number) {
      ASSERT_TRUE(producer.try_push({0, number, number}));
    }
    if (kHasBound<TypeParam>) {
      EXPECT_FALSE(producer.try_push({}));
    }
    Item item;
    for (std::uint64_t number = 0; number < kShare; ++number) {
      ASSERT_TRUE(queue.try_pop(item));
      EXPECT_EQ(item.number, number);
    }
    EXPECT_FALSE(queue.try_pop(item));
  }
}

TYPED_TEST(EachQueue, LosesNothingDoublesNothingAndKeepsEachProducersOrder) {
  constexpr std::size_t kProducers = 4;
  constexpr std::uint64_t kItems = 8'000;
  for (const std::size_t share : {1U, 7U, 1000U}) {
    TypeParam queue(kProducers, share);
    std::atomic<int> left{kProducers};
    {
      std::vector<std::jthread> threads;
      for (std::size_t which = 0; which < kProducers; ++which) {
        threads.emplace_back([&, which, producer = queue.producer(which)]() mutable {
          for (std::uint64_t number = 0; number < kItems; ++number) {
            while (!producer.try_push({which, number, number})) {
              std::this_thread::yield();
            }
          }
          --left;
        });
      }
      std::vector<std::uint64_t> due(kProducers);
      Item item;
      while (true) {
        const bool last = left == 0;
        if (queue.try_pop(item)) {
          ASSERT_EQ(item.number, due.at(item.producer)++);
          ASSERT_EQ(item.copy, item.number);
        } else if (last) {
          break;
        } else {
          std::this_thread::yield();
        }
      }
      EXPECT_EQ(due, std::vector<std::uint64_t>(kProducers, kItems));
    }
    EXPECT_TRUE(queue.empty());
  }
}

TYPED_TEST(EachQueue, HasRoomForEachProducerThatKeepsToItsShare) {
  constexpr std::size_t kProducers = 6;  // more than CPUs, so that pushes are cut short
  constexpr std::uint64_t kItems = 8'000;
  for (const std::size_t share : {1U, 2U}) {
    TypeParam queue(kProducers, share);
    std::array<std::atomic<std::uint64_t>, kProducers> done{};
    std::atomic<std::uint64_t> refused{0};
    std::vector<std::jthread> threads;
    for (std::size_t which = 0; which < kProducers; ++which) {
      threads.emplace_back([&, which, producer = queue.producer(which)]() mutable {
        for (std::uint64_t number = 0; number < kItems; ++number) {
          while (number - done.at(which) >= share) {
            std::this_thread::yield();
          }
          while (!producer.try_push({which, number, number})) {
            ++refused;
          }
        }
      });
    }
    Item item;
    for (std::uint64_t left = kProducers * kItems; left > 0;) {
      if (queue.try_pop(item)) {
        done.at(item.producer) = item.number + 1;
        --left;
      } else {
        std::this_thread::yield();
      }
    }
    EXPECT_EQ(refused, 0U);
  }
}

TYPED_TEST(EachQueue, HasAnOrderOfAllWhereItSaysSo) {
  constexpr std::size_t kProducers = 3;
  TypeParam queue(kProducers, 10);
  auto first = queue.producer(0);
  auto second = queue.producer(1);
  auto third = queue.producer(2);
  for (std::uint64_t number = 0; number < 9; number += 3) {
    ASSERT_TRUE(third.try_push({2, number, number}));
    ASSERT_TRUE(third.try_push({2, number + 1, number + 1}));
    ASSERT_TRUE(first.try_push({0, number + 2, number + 2}));
  }
  ASSERT_TRUE(second.try_push({1, 9, 9}));
  bool in_order = true;
  Item item;
  for (std::uint64_t number = 0; number <= 9; ++number) {
    ASSERT_TRUE(queue.try_pop(item));
    in_order = in_order && item.number == number;
  }
  EXPECT_EQ(in_order, kHasOrderOfAll<TypeParam>);
}

TEST(Lanes, TakesARunOfEachInTurn) {
  using Queue = Lanes<Item>;
  Queue lanes(3, 100);
  for (std::size_t which = 0; which < 3; ++which) {
    auto producer = lanes.producer(which);
    for (std::uint64_t number = 0; number < (which == 1 ? 1 : Queue::kRun + 2); ++number) {
      ASSERT_TRUE(producer.try_push({which, number, number}));
    }
  }
  std::vector<std::size_t> from;
  for (Item item; lanes.try_pop(item);) {
    if (from.empty() || from.back() != item.producer) {
      from.push_back(item.producer);
      EXPECT_EQ(item.number, from.size() > 3 ? Queue::kRun : 0);
    }
  }
  EXPECT_EQ(from, (std::vector<std::size_t>{1, 2, 0, 2, 0}));
}

/// A producer that does not make the second step of its push cuts the queue: nothing behind it is
/// to be had, and so many before it; and nothing is lost once it goes on.
template <class Q>
void cut_and_mend(std::uint64_t before_the_cut) {
  Q queue(3, 4);
  auto before = queue.producer(0);
  auto cutter = queue.producer(1);
  auto behind = queue.producer(2);
  Item item;
  ASSERT_TRUE(before.try_push({0, 0, 0}));
  ASSERT_TRUE(before.try_push({0, 1, 1}));
  ASSERT_TRUE(cutter.try_push({1, 2, 2}, [&] {
    ASSERT_TRUE(behind.try_push({2, 3, 3}));
    ASSERT_TRUE(behind.try_push({2, 4, 4}));
    std::uint64_t popped = 0;
    while (queue.try_pop(item)) {
      EXPECT_EQ(item.number, popped++);
    }
    EXPECT_EQ(popped, before_the_cut);
    EXPECT_TRUE(queue.empty());
  }));
  for (std::uint64_t number = before_the_cut; number <= 4; ++number) {
    EXPECT_FALSE(queue.empty());
    ASSERT_TRUE(queue.try_pop(item));
    EXPECT_EQ(item.number, number);
  }
  EXPECT_FALSE(queue.try_pop(item));
}

TEST(MpscList, IsCutByAPushThatStops) { cut_and_mend<MpscList<Item, SlabNodes>>(2); }
TEST(MpscRing, IsCutByAPushThatStops) { cut_and_mend<MpscRing<Item>>(2); }

}  // namespace
}  // namespace pipelab::queue
