#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <memory_resource>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <string_view>
#include <thread>
#include <vector>

#include "workloads/feed/backlog.hpp"
#include "workloads/feed/cache.hpp"
#include "workloads/feed/message.hpp"
#include "workloads/feed/options.hpp"
#include "workloads/feed/rings.hpp"
#include "workloads/feed/write_log.hpp"

namespace pipelab::feed {
namespace {

std::vector<std::byte> frames(std::size_t many) {
  std::vector<std::byte> bytes(many * frame::kBytes);
  for (std::size_t at = 0; at < bytes.size(); ++at) {
    bytes[at] = static_cast<std::byte>(at % 251);
  }
  return bytes;
}

TEST(Backlog, KeepsWholeFramesAndTheRestOfOne) {
  const std::vector<std::byte> all = frames(10);
  Backlog backlog(4 * frame::kBytes);
  // 20 bytes of the first were written: the rest of it, and then as many whole ones as fit.
  const auto rest = std::span<const std::byte>(all).subspan(20);
  EXPECT_EQ(backlog.append(rest), 4 * frame::kBytes + frame::kBytes - 20);
  EXPECT_EQ(backlog.append(std::span<const std::byte>(all).subspan(5 * frame::kBytes)), 0);
  EXPECT_TRUE(std::ranges::equal(backlog.bytes(), rest.first(backlog.bytes().size())));
  backlog.drop(2 * frame::kBytes);
  EXPECT_EQ(backlog.append(std::span<const std::byte>(all).subspan(5 * frame::kBytes)),
            2 * frame::kBytes);
  EXPECT_TRUE(std::ranges::equal(backlog.bytes(), std::span<const std::byte>(all)
                                                      .subspan(20 + 2 * frame::kBytes)
                                                      .first(backlog.bytes().size())));
  backlog.drop(backlog.bytes().size());
  EXPECT_TRUE(backlog.empty());
}

TEST(Stale, GivesTheKeyThatChangedLongestAgo) {
  Stale stale;
  EXPECT_TRUE(stale.empty());
  stale.reserve(4);
  EXPECT_TRUE(stale.empty());
  for (const std::uint32_t key : {3U, 0U, 2U}) {
    EXPECT_FALSE(stale.add(key));
  }
  EXPECT_TRUE(stale.add(3));
  EXPECT_EQ(stale.take(), 0);
  EXPECT_FALSE(stale.add(0));
  EXPECT_EQ(stale.take(), 2);
  EXPECT_EQ(stale.take(), 3);
  EXPECT_EQ(stale.take(), 0);
  EXPECT_TRUE(stale.empty());
}

TEST(WriteLog, KnowsWhichWriteAMessageWasIn) {
  std::pmr::monotonic_buffer_resource memory;
  WriteLog log(4, memory);
  EXPECT_EQ(log.find(1), std::nullopt);
  log.begin(3, 100);
  log.begin(7, 200);
  EXPECT_EQ(log.find(1), 100);
  EXPECT_EQ(log.find(3), 100);
  EXPECT_EQ(log.find(4), 200);
  EXPECT_EQ(log.find(8), std::nullopt);
  log.shorten(5);
  EXPECT_EQ(log.find(6), std::nullopt);
  log.begin(7, 300);
  EXPECT_EQ(log.find(6), 300);
  log.begin(9, 400);
  log.begin(11, 500);  // in the place of the first
  EXPECT_EQ(log.find(3), std::nullopt);
  EXPECT_EQ(log.find(5), std::nullopt);  // the oldest of those that are left: nobody knows
  EXPECT_EQ(log.find(6), 300);
  EXPECT_EQ(log.find(11), 500);
}

TEST(ByteRing, KeepsTheOrderOfBytesThatTwoThreadsMove) {
  constexpr std::size_t kMany = 3'000'000;
  std::pmr::monotonic_buffer_resource memory;
  ByteRing ring(memory);
  EXPECT_EQ(ring.room(), ByteRing::kBytes);
  std::thread writer([&ring] {
    std::array<std::byte, 1'000> bytes{};
    for (std::size_t done = 0; done < kMany;) {
      const std::size_t many = std::min({bytes.size(), 1 + done % 997, kMany - done});
      for (std::size_t at = 0; at < many; ++at) {
        bytes[at] = static_cast<std::byte>((done + at) % 253);
      }
      const std::size_t written = ring.write(std::span(bytes).first(many));
      done += written;
      if (written == 0) {
        platform::let_others_run();
      }
    }
  });
  std::array<std::byte, 1'501> bytes{};
  std::size_t wrong = 0;
  for (std::size_t done = 0; done < kMany;) {
    const std::size_t many = ring.read(bytes);
    for (std::size_t at = 0; at < many; ++at) {
      wrong += bytes[at] == static_cast<std::byte>((done + at) % 253) ? 0 : 1;
    }
    done += many;
    if (many == 0) {
      platform::let_others_run();
    }
  }
  writer.join();
  EXPECT_EQ(wrong, 0);
  EXPECT_TRUE(ring.empty());
}

template <class Cache>
class EachCache : public ::testing::Test {};

using Caches =
    ::testing::Types<SeqlockCache, LockedCache<std::mutex>, LockedCache<std::shared_mutex>>;
TYPED_TEST_SUITE(EachCache, Caches);

TYPED_TEST(EachCache, KeepsQuotesAndTradesOfASymbol) {
  TypeParam cache(3);
  cache.update({.type = Message::Type::kQuote, .symbol = 1, .sequence = 5, .bid = 10, .ask = 12});
  cache.update(
      {.type = Message::Type::kTrade, .symbol = 1, .sequence = 6, .bid = 11, .quantity = 7});
  const Entry entry = cache.read(1);
  EXPECT_EQ(entry.bid, 10);
  EXPECT_EQ(entry.ask, 12);
  EXPECT_EQ(entry.trade, 11);
  EXPECT_EQ(entry.quantity, 7);
  EXPECT_EQ(entry.sequence, 6);
  EXPECT_EQ(entry.updates, 2);
  EXPECT_TRUE(entry.is_whole());
  EXPECT_EQ(cache.read(0).updates, 0);
  EXPECT_TRUE(cache.read(0).is_whole());
}

TYPED_TEST(EachCache, ShowsReadersWholeEntriesOnly) {
  constexpr Sequence kUpdates = 300'000;
  TypeParam cache(1);
  std::atomic<bool> is_done{false};
  std::thread writer([&] {
    for (Sequence sequence = 1; sequence <= kUpdates; ++sequence) {
      cache.update({.type = Message::Type::kQuote,
                    .sequence = sequence,
                    .generated_ns = static_cast<platform::Nanoseconds>(3 * sequence),
                    .bid = static_cast<std::uint32_t>(sequence),
                    .ask = static_cast<std::uint32_t>(sequence + 1)});
    }
    is_done = true;
  });
  std::size_t torn = 0;
  std::size_t back = 0;
  Sequence last = 0;
  while (!is_done) {
    const Entry entry = cache.read(0);
    torn += entry.is_whole() && entry.bid == entry.sequence ? 0 : 1;
    back += entry.sequence < last ? 1 : 0;
    last = entry.sequence;
  }
  writer.join();
  EXPECT_EQ(torn, 0);
  EXPECT_EQ(back, 0);
  EXPECT_EQ(cache.read(0).sequence, kUpdates);
}

TEST(Entry, IsNotWholeWhereItIsOfTwoUpdates) {
  Entry entry;
  entry.update({.type = Message::Type::kQuote, .sequence = 1, .bid = 10, .ask = 12});
  EXPECT_TRUE(entry.is_whole());
  ++entry.sequence;
  EXPECT_FALSE(entry.is_whole());
}

TEST(FeedOptions, ReadBatchesAndFaults) {
  EXPECT_EQ(to_batch("now")->kind, Batch::Kind::kNow);
  EXPECT_EQ(to_batch("due")->kind, Batch::Kind::kDue);
  EXPECT_EQ(to_batch("16")->kind, Batch::Kind::kCount);
  EXPECT_EQ(to_batch("16")->amount, 16);
  EXPECT_EQ(to_batch("50us")->kind, Batch::Kind::kTime);
  EXPECT_EQ(to_batch("50us")->amount, 50);
  for (const std::string_view wrong :
       {"", "us", "0", "0us", "1025", "1000001us", "50ms", "-1", "due "}) {
    EXPECT_FALSE(to_batch(wrong)) << wrong;
  }
  EXPECT_EQ(to_fault("gap:10")->what, Fault::What::kGap);
  EXPECT_EQ(to_fault("type:7")->every, 7);
  EXPECT_EQ(to_fault("stuck@0.5")->at_s, 0.5);
  EXPECT_EQ(to_fault("kill-server@0")->what, Fault::What::kKill);
  for (const std::string_view wrong :
       {"", "gap", "gap:", "gap:0", "gap:1,2", "stuck@", "stuck:1", "kill-server@-1"}) {
    EXPECT_FALSE(to_fault(wrong)) << wrong;
  }
}

}  // namespace
}  // namespace pipelab::feed
