#include "workloads/rpc/correlation.hpp"

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <thread>
#include <vector>

#include "queue/spsc_ring.hpp"
#if PIPELAB_TBB
#include "workloads/rpc/concurrent_table.hpp"
#endif

namespace pipelab::rpc {
namespace {

constexpr std::size_t kWindow = 8;

template <class Correlation>
class EachCorrelation : public ::testing::Test {};

#if PIPELAB_TBB
using Correlations = ::testing::Types<Slots, Map, Sharded, ConcurrentTable>;
#else
using Correlations = ::testing::Types<Slots, Map, Sharded>;
#endif
TYPED_TEST_SUITE(EachCorrelation, Correlations);

TYPED_TEST(EachCorrelation, FindsEachRequestOnce) {
  TypeParam requests(kWindow);
  Pending pending;
  for (std::int64_t round = 0; round < 100; ++round) {
    std::vector<std::int64_t> ids;
    for (std::int64_t request = 0; request < static_cast<std::int64_t>(kWindow); ++request) {
      ids.push_back(requests.add({.intended_ns = 1, .sent_ns = 2, .number = 10 * round + request}));
    }
    for (const std::size_t request :
         std::array<std::size_t, 8>{3, 0, 7, 1, 2, 6, 5, 4}) {  // in whatever order
      ASSERT_EQ(requests.take(ids[request], pending), Match::kFound);
      EXPECT_EQ(pending.number, 10 * round + static_cast<std::int64_t>(request));
      EXPECT_EQ(requests.take(ids[request], pending), Match::kLate);
    }
  }
}

TYPED_TEST(EachCorrelation, KnowsAnIdThatWasNeverGiven) {
  TypeParam requests(kWindow);
  Pending pending;
  const std::int64_t id = requests.add({});
  for (const std::int64_t other :
       {std::int64_t{-1}, std::int64_t{0}, kFirstId - 1, id + 1'000'000, INT64_MAX, INT64_MIN}) {
    EXPECT_EQ(requests.take(other, pending), Match::kUnknown) << other;
  }
  EXPECT_EQ(requests.take(id, pending), Match::kFound);
}

TYPED_TEST(EachCorrelation, RefusesAReplyThatComesAfterItsTime) {
  TypeParam requests(kWindow);
  const std::int64_t early = requests.add({.sent_ns = 100, .number = 1});
  const std::int64_t later = requests.add({.sent_ns = 200, .number = 2});
  std::vector<std::int64_t> expired;
  const auto note = [&](const Pending& pending) { expired.push_back(pending.number); };
  requests.expire(150, note);
  EXPECT_EQ(expired, (std::vector<std::int64_t>{1}));
  // The places are used again, and the id still says that it is not theirs.
  Pending pending;
  for (std::size_t use = 0; use < 4 * kWindow; ++use) {
    const std::int64_t id = requests.add({.sent_ns = 300, .number = 3});
    EXPECT_EQ(requests.take(early, pending), Match::kLate);
    EXPECT_EQ(requests.take(id, pending), Match::kFound);
  }
  EXPECT_EQ(requests.take(later, pending), Match::kFound);
  EXPECT_EQ(pending.number, 2);
  requests.expire(1000, note);
  EXPECT_EQ(expired.size(), 1U);
}

TYPED_TEST(EachCorrelation, LosesNothingBetweenTwoThreads) {
  constexpr std::int64_t kRequests = 50'000;
  TypeParam requests(kWindow);
  queue::SpscRing<std::int64_t> sent(kWindow);
  std::atomic<std::int64_t> settled{0};
  std::int64_t sum = 0;
  std::thread receiver([&, consumer = sent.consumer()]() mutable {
    Pending pending;
    for (std::int64_t done = 0; done < kRequests;) {
      std::int64_t id = 0;
      if (!consumer.try_pop(id)) {
        std::this_thread::yield();
        continue;
      }
      sum += requests.take(id, pending) == Match::kFound ? pending.number : kRequests * kRequests;
      settled.store(++done, std::memory_order_release);
    }
  });
  auto producer = sent.producer();
  for (std::int64_t request = 0; request < kRequests; ++request) {
    while (request - settled.load(std::memory_order_acquire) >=
           static_cast<std::int64_t>(kWindow)) {
      std::this_thread::yield();
    }
    const std::int64_t id = requests.add({.number = request});
    while (!producer.try_push(id)) {
      std::this_thread::yield();
    }
  }
  receiver.join();
  EXPECT_EQ(sum, kRequests * (kRequests - 1) / 2);
}

}  // namespace
}  // namespace pipelab::rpc
