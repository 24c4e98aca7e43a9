#include "workloads/rpc/pools.hpp"

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory_resource>
#include <set>
#include <thread>
#include <vector>

#include "queue/spsc_ring.hpp"

namespace pipelab::rpc {
namespace {

constexpr std::size_t kBuffers = 16;
constexpr std::size_t kBytes = 100;

template <class Pool>
class EachStock : public ::testing::Test {};
using Stocks = ::testing::Types<RingPool, StackPool>;
TYPED_TEST_SUITE(EachStock, Stocks);

TYPED_TEST(EachStock, GivesEachBufferToOneAtATime) {
  TypeParam pool(kBuffers, kBytes, *std::pmr::new_delete_resource());
  typename TypeParam::Taker taker(pool);
  typename TypeParam::Giver giver(pool);
  for (int round = 0; round < 3; ++round) {
    std::set<char*> out;
    for (std::size_t buffer = 0; buffer < kBuffers; ++buffer) {
      const Taken taken = taker.take();
      ASSERT_NE(taken.buffer, nullptr);
      EXPECT_EQ(taken.came_back, round > 0);
      EXPECT_TRUE(out.insert(taken.buffer).second);
      std::memset(taken.buffer, round, kBytes);
    }
    EXPECT_EQ(taker.take().buffer, nullptr);
    for (char* const buffer : out) {
      giver.give(buffer);
    }
  }
}

template <class Pool>
class EachPool : public ::testing::Test {};
#if PIPELAB_MIMALLOC
using Pools = ::testing::Types<RingPool, StackPool, MallocPool, MimallocPool>;
#else
using Pools = ::testing::Types<RingPool, StackPool, MallocPool>;
#endif
TYPED_TEST_SUITE(EachPool, Pools);

TYPED_TEST(EachPool, HandsBuffersFromThreadToThread) {
  constexpr std::uint64_t kItems = 10'000;
  constexpr std::size_t kMany = 64;  // turns are rare where other processes run
  TypeParam pool(kMany, kBytes, *std::pmr::new_delete_resource());
  queue::SpscRing<char*> ring(kMany);
  std::uint64_t wrong = 0;
  std::thread reader([&] {
    typename TypeParam::Giver giver(pool);
    auto from = ring.consumer();
    for (std::uint64_t item = 0; item < kItems; ++item) {
      char* buffer = nullptr;
      while (!from.try_pop(buffer)) {
        std::this_thread::yield();
      }
      std::uint64_t text = 0;
      std::memcpy(&text, buffer, sizeof text);
      wrong += text != item ? 1 : 0;
      giver.give(buffer);
    }
  });
  {
    typename TypeParam::Taker taker(pool);
    auto to = ring.producer();
    for (std::uint64_t item = 0; item < kItems; ++item) {
      char* buffer = nullptr;
      while ((buffer = taker.take().buffer) == nullptr) {
        std::this_thread::yield();
      }
      std::memcpy(buffer, &item, sizeof item);
      while (!to.try_push(buffer)) {
        std::this_thread::yield();
      }
    }
    reader.join();
  }
  EXPECT_EQ(wrong, 0U);
}

TEST(SharedStack, GivesWhatCameLastFirst) {
  SharedStack stack(3, *std::pmr::new_delete_resource());
  std::uint32_t number = 0;
  EXPECT_FALSE(stack.pop(number));
  for (const std::uint32_t each : {0U, 2U, 1U}) {
    stack.push(each);
  }
  for (const std::uint32_t each : {1U, 2U, 0U}) {
    ASSERT_TRUE(stack.pop(number));
    EXPECT_EQ(number, each);
  }
  EXPECT_FALSE(stack.pop(number));
}

TEST(SharedStack, LosesAndDoublesNoneBetweenManyThreads) {
  constexpr std::uint32_t kNumbers = 4;
  constexpr int kTurns = 20'000;
  SharedStack stack(kNumbers, *std::pmr::new_delete_resource());
  for (std::uint32_t number = 0; number < kNumbers; ++number) {
    stack.push(number);
  }
  std::array<std::atomic<int>, kNumbers> holders{};
  std::atomic<int> doubled{0};
  std::vector<std::thread> threads;
  threads.reserve(4);
  for (int thread = 0; thread < 4; ++thread) {
    threads.emplace_back([&] {
      for (int turn = 0; turn < kTurns; ++turn) {
        std::array<std::uint32_t, 2> mine{};
        std::size_t many = 0;
        while (many < mine.size() && stack.pop(mine.at(many))) {
          doubled += holders.at(mine.at(many++)).fetch_add(1);
        }
        while (many > 0) {  // the first of them last: what was below it is above it now
          --holders.at(mine.at(--many));
          stack.push(mine.at(many));
        }
      }
    });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  EXPECT_EQ(doubled, 0);
  std::set<std::uint32_t> left;
  for (std::uint32_t number = 0; stack.pop(number);) {
    EXPECT_TRUE(left.insert(number).second);
  }
  EXPECT_EQ(left.size(), kNumbers);
}

}  // namespace
}  // namespace pipelab::rpc
