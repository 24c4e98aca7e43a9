#include "record/histogram.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <random>
#include <vector>

namespace pipelab::record {
namespace {

TEST(Histogram, IsEmptyAtFirst) {
  const Histogram histogram;
  EXPECT_EQ(histogram.total(), 0U);
  EXPECT_TRUE(histogram.buckets().empty());
  EXPECT_EQ(histogram.value_at(0.5), 0U);
}

TEST(Histogram, IsExactBelow2048) {
  Histogram histogram;
  for (std::uint64_t value = 0; value < 2048; ++value) {
    histogram.record(value);
  }
  const std::vector<Histogram::Bucket> buckets = histogram.buckets();
  ASSERT_EQ(buckets.size(), 2048U);
  for (std::size_t value = 0; value < 2048; ++value) {
    EXPECT_EQ(buckets[value].lowest, value);
    EXPECT_EQ(buckets[value].highest, value);
    EXPECT_EQ(buckets[value].count, 1U);
  }
}

TEST(Histogram, PutsEveryValueIntoABucketThatHoldsItAndIsNarrow) {
  std::mt19937_64 random(7);
  for (unsigned bits = 1; bits <= 48; ++bits) {
    for (int repeat = 0; repeat < 10; ++repeat) {
      const std::uint64_t value = random() >> (64U - bits);
      Histogram histogram;
      histogram.record(value);
      const std::vector<Histogram::Bucket> buckets = histogram.buckets();
      ASSERT_EQ(buckets.size(), 1U);
      EXPECT_LE(buckets[0].lowest, value);
      EXPECT_GE(buckets[0].highest, value);
      EXPECT_LE((buckets[0].highest - buckets[0].lowest) * 1024, value) << value;
    }
  }
}

TEST(Histogram, HasBucketsWithoutGapsOrOverlaps) {
  Histogram histogram;
  for (std::uint64_t value = 0; value < 100'000; ++value) {
    histogram.record(value);
  }
  std::uint64_t expected = 0;
  for (const Histogram::Bucket& bucket : histogram.buckets()) {
    EXPECT_EQ(bucket.lowest, expected);
    expected = bucket.highest + 1;
  }
  EXPECT_EQ(histogram.total(), 100'000U);
}

TEST(Histogram, HasABucketForEveryTimeOfTheLongestRun) {
  constexpr std::uint64_t kSecondNs = 1'000'000'000;
  for (const std::uint64_t value : {196 * kSecondNs, 86'400 * kSecondNs, 176'400 * kSecondNs}) {
    Histogram histogram;
    histogram.record(value);
    EXPECT_NEAR(static_cast<double>(histogram.value_at(0.99)), static_cast<double>(value),
                1e-3 * static_cast<double>(value));
    EXPECT_EQ(histogram.clipped(), 0U);
  }
}

TEST(Histogram, CountsWhatIsTooLargeByItself) {
  Histogram histogram;
  histogram.record(Histogram::kMaxValue);
  EXPECT_EQ(histogram.clipped(), 0U);
  EXPECT_EQ(histogram.value_at(1), Histogram::kMaxValue);
  histogram.record(Histogram::kMaxValue + 1);
  histogram.record(UINT64_MAX);
  EXPECT_EQ(histogram.clipped(), 2U);
  ASSERT_EQ(histogram.buckets().size(), 2U);
  EXPECT_EQ(histogram.buckets()[1].lowest, Histogram::kMaxValue + 1);
  EXPECT_EQ(histogram.buckets()[1].count, 2U);
}

TEST(Histogram, MergesWhatAnotherCounted) {
  Histogram first;
  first.record(5);
  first.record(4096);
  Histogram second;
  second.record(5);
  second.record(UINT64_MAX);
  first.merge(second);
  const std::vector<Histogram::Bucket> buckets = first.buckets();
  ASSERT_EQ(buckets.size(), 3U);
  EXPECT_EQ(buckets[0].count, 2U);
  EXPECT_EQ(buckets[1].count, 1U);
  EXPECT_EQ(buckets[2].count, 1U);
  EXPECT_EQ(second.total(), 2U);
}

TEST(Histogram, MergesWithItselfAndWithNothing) {
  Histogram histogram;
  histogram.record(7);
  histogram.merge(histogram);
  histogram.merge(Histogram{});
  ASSERT_EQ(histogram.buckets().size(), 1U);
  EXPECT_EQ(histogram.buckets()[0].count, 2U);
}

TEST(Histogram, GivesNearestRankPercentiles) {
  Histogram histogram;
  for (std::uint64_t value = 1; value <= 200; ++value) {
    histogram.record(value);
  }
  EXPECT_EQ(histogram.value_at(0.50), 100U);
  EXPECT_EQ(histogram.value_at(0.95), 190U);
  EXPECT_EQ(histogram.value_at(0.99), 198U);
  EXPECT_EQ(histogram.value_at(1.00), 200U);
}

}  // namespace
}  // namespace pipelab::record
