#include "bench/contenders.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <numeric>
#include <optional>
#include <thread>
#include <vector>

#include "bench/queues.hpp"
#include "bench/samples_file.hpp"

namespace pipelab::bench {
namespace {

constexpr std::size_t kCapacity = 64;
constexpr std::uint64_t kItems = 100'000;

template <template <class, std::size_t> class QueueOf, std::size_t kBytes>
struct Case {
  using It = Item<kBytes>;
  using Queue = QueueOf<It, kCapacity>;
};

template <class It, std::size_t kSize>
using Pausing = AtomicQueueOptimist<It, kSize, true>;
template <class It, std::size_t kSize>
using PausingB = AtomicQueueBOptimist<It, kSize, true>;
template <class It, std::size_t kSize>
using Rushing = AtomicQueueOptimist<It, kSize, false>;

template <class Case>
class EveryContender : public ::testing::Test {};
using Contenders =
    ::testing::Types<Case<RingEager, 8>, Case<RingEager, 64>, Case<RingBatched, 8>,
                     Case<RingBatched, 64>, Case<MutexQueue, 8>, Case<MutexQueue, 64>,
                     Case<BoostSpsc, 8>, Case<BoostSpsc, 64>, Case<ReaderWriterQueue, 8>,
                     Case<ReaderWriterQueue, 64>, Case<AtomicQueue, 8>, Case<AtomicQueue, 64>,
                     Case<AtomicQueueB, 8>, Case<AtomicQueueB, 64>, Case<Pausing, 8>,
                     Case<Pausing, 64>, Case<PausingB, 8>, Case<PausingB, 64>, Case<Rushing, 8>,
                     Case<CkRing, 8>, Case<CkRing, 64>, Case<RteRing, 8>, Case<RteRing, 64>,
                     Case<ConcurrentQueue, 8>, Case<ConcurrentQueue, 64>>;
TYPED_TEST_SUITE(EveryContender, Contenders);

/// Sends items through the queue from another thread; true when all came in order and whole.
template <class Way, class Case>
bool in_order() {
  typename Case::Queue queue;
  std::uint64_t wrong = 0;
  {
    const std::jthread consumer([&] {
      auto&& side = queue.consumer();
      wrong = Way::template consume<typename Case::It>(side, 1, kItems, true);
    });
    auto&& side = queue.producer();
    Way::template produce<typename Case::It>(side, 1, kItems, true);
    flush(side);
  }
  return wrong == 0;
}

TYPED_TEST(EveryContender, KeepsTheOrderOfItems) { EXPECT_TRUE((in_order<Single, TypeParam>())); }

TYPED_TEST(EveryContender, HoldsWhatItIsAskedFor) {
  typename TypeParam::Queue queue;
  EXPECT_GE(fill_and_drain<typename TypeParam::It>(queue), kCapacity);
}

TYPED_TEST(EveryContender, KeepsTheOrderInEveryWayItHas) {
  using It = typename TypeParam::It;
  typename TypeParam::Queue queue;
  auto&& side = queue.producer();
  using Side = std::remove_reference_t<decltype(side)>;
  if constexpr (requires(Side & s, std::span<const It> items) { s.push(items); }) {
    EXPECT_TRUE((in_order<Batches<32>, TypeParam>()));
  }
  if constexpr (requires(Side & s) { s.reserve(32); }) {
    EXPECT_TRUE((in_order<BatchesInPlace<32>, TypeParam>()));
  }
  if constexpr (requires(Side & s) { s.reserve(); }) {
    EXPECT_TRUE((in_order<SingleInPlace, TypeParam>()));
  }
}

/// A queue that gives the items in pairs the wrong way round, or only tears them.
template <class Item>
class Unsound {
 public:
  explicit Unsound(bool tear) : tear_(tear) {}
  bool try_pop(Item& item) {
    if (tear_) {
      fill(item, ++popped_);
      item.words.back() = 0;
    } else {
      fill(item, (popped_++ ^ 1U) + 1);
    }
    return true;
  }

 private:
  bool tear_;
  std::uint64_t popped_{0};
};

TEST(Single, SeesItemsThatAreTornOrOutOfOrder) {
  Unsound<Item<64>> torn(true);
  EXPECT_NE(Single::consume<Item<64>>(torn, 1, 100, false), 0U);
  Unsound<Item<64>> swapped(false);
  EXPECT_NE(Single::consume<Item<64>>(swapped, 1, 100, false), 0U);
}

TEST(Percentile, IsTheNearestRank) {
  std::vector<platform::Nanoseconds> values(200);
  std::iota(values.rbegin(), values.rend(), 1);
  EXPECT_EQ(percentile(values, 0.5), 100);
  EXPECT_EQ(percentile(values, 0.99), 198);
}

TEST(Percentile, IsRefusedWhenThereAreTooFewValues) {
  std::vector<platform::Nanoseconds> values(99, 7);
  EXPECT_EQ(percentile(values, 0.99), std::nullopt);
  values.push_back(7);
  EXPECT_EQ(percentile(values, 0.99), 7);
  values.clear();
  EXPECT_EQ(percentile(values, 0.5), std::nullopt);
}

TEST(Placement, IsSteadyWhenBothProbesSawTheSamePlace) {
  EXPECT_TRUE((Placement{.raw_before_ns = 50, .raw_after_ns = 70}.steady()));
  EXPECT_FALSE((Placement{.raw_before_ns = 50, .raw_after_ns = 80}.steady()));    // too far apart
  EXPECT_FALSE((Placement{.raw_before_ns = 110, .raw_after_ns = 90}.steady()));   // on both sides
  EXPECT_FALSE((Placement{.raw_before_ns = 150, .raw_after_ns = 300}.steady()));  // too far apart
}

TEST(Go, IsTheLastOneWhenItWasLongEnough) {
  Go go{.count = 6400, .begin_ns = 1000, .end_ns = 1000 + 2'500'000};
  go.judge(5'000'000);
  EXPECT_TRUE(go.last);
  EXPECT_EQ(go.count, 6400U);
}

TEST(Go, IsFollowedByALongerOneThatFitsEveryBatch) {
  Go go{.count = 4096, .begin_ns = 0, .end_ns = 1'000'001};
  go.judge(5'000'000);
  EXPECT_FALSE(go.last);
  EXPECT_EQ(go.count, 4096U * 5 - 64);
  go = {.count = 4096, .begin_ns = 0, .end_ns = 10};  // too good to be true
  go.judge(5'000'000);
  EXPECT_EQ(go.count, 4096U * 16);
}

}  // namespace
}  // namespace pipelab::bench
