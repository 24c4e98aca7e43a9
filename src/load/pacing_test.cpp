#include "load/pacing.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <vector>

#include "load/arrivals.hpp"

namespace pipelab::load {
namespace {

using platform::Nanoseconds;

constexpr Nanoseconds kSecondNs = platform::kNanosecondsPerSecond;
const std::atomic<bool> never_stop{false};

std::vector<Nanoseconds> gaps_of(const Arrival& arrival, Nanoseconds interval_ns, int count,
                                 std::uint64_t seed = 1) {
  Arrivals arrivals(arrival, interval_ns, seed);
  std::vector<Nanoseconds> gaps(static_cast<std::size_t>(count));
  std::ranges::generate(gaps, [&arrivals] { return arrivals.next_gap_ns(); });
  return gaps;
}

TEST(Arrivals, AreOneIntervalApart) {
  EXPECT_EQ(gaps_of({}, 5000, 3), (std::vector<Nanoseconds>{5000, 5000, 5000}));
}

TEST(Arrivals, PauseAfterEachBurst) {
  const Arrival arrival{.pattern = Arrival::Pattern::kBurst, .burst_items = 3, .pause_us = 40};
  EXPECT_EQ(gaps_of(arrival, 0, 6), (std::vector<Nanoseconds>{0, 0, 40'000, 0, 0, 40'000}));
  const Arrival single{.pattern = Arrival::Pattern::kBurst, .burst_items = 1, .pause_us = 7};
  EXPECT_EQ(gaps_of(single, 1000, 2), (std::vector<Nanoseconds>{7000, 7000}));
}

TEST(Arrivals, OfAPoissonProcessHaveItsMeanAndSpreadAndRepeatWithTheSeed) {
  constexpr int kGaps = 100'000;
  constexpr double kMeanNs = 1e6;
  const Arrival arrival{.pattern = Arrival::Pattern::kPoisson};
  const std::vector<Nanoseconds> gaps = gaps_of(arrival, 1'000'000, kGaps);
  double sum = 0;
  double squares = 0;
  for (const Nanoseconds gap : gaps) {
    ASSERT_GE(gap, 0);
    sum += static_cast<double>(gap);
    squares += static_cast<double>(gap) * static_cast<double>(gap);
  }
  const double mean = sum / kGaps;
  // An exponential distribution's deviation is its mean. The mean of 100,000 is within 1.5 % at
  // nearly 5 sigma.
  EXPECT_NEAR(mean, kMeanNs, 0.015 * kMeanNs);
  EXPECT_NEAR(squares / kGaps - mean * mean, kMeanNs * kMeanNs, 0.05 * kMeanNs * kMeanNs);
  EXPECT_EQ(gaps, gaps_of(arrival, 1'000'000, kGaps));
  EXPECT_NE(gaps, gaps_of(arrival, 1'000'000, kGaps, 2));
}

/// The intended times of a share's items in the first second.
std::vector<Nanoseconds> times_of(const Arrival& arrival, Nanoseconds interval_ns,
                                  const Share& share) {
  Arrivals arrivals(arrival, interval_ns, 1, share);
  std::vector<Nanoseconds> times;
  for (Nanoseconds time_ns = arrivals.restart(); time_ns < kSecondNs;
       time_ns += arrivals.next_gap_ns()) {
    times.push_back(time_ns);
  }
  return times;
}

TEST(Arrivals, OfSeveralMakersAreTogetherThoseOfOne) {
  for (const Arrival& arrival :
       {Arrival{}, Arrival{.pattern = Arrival::Pattern::kPoisson},
        Arrival{.pattern = Arrival::Pattern::kBurst, .burst_items = 10, .pause_us = 20'000}}) {
    const std::vector<Nanoseconds> all = times_of(arrival, 1'000'000, {});
    for (const std::size_t many : std::array<std::size_t, 3>{2, 7, 64}) {
      std::vector<Nanoseconds> together;
      for (std::size_t which = 0; which < many; ++which) {
        const Share share{.which = which, .many = many};
        const std::vector<Nanoseconds> own = times_of(arrival, 1'000'000, share);
        together.insert(together.end(), own.begin(), own.end());

        Arrivals arrivals(arrival, 1'000'000, 1, share);
        const Nanoseconds first_ns = arrivals.restart();
        const Nanoseconds gap_ns = arrivals.next_gap_ns();
        EXPECT_EQ(arrivals.count(gap_ns, kSecondNs - first_ns), own.size());
      }
      std::ranges::sort(together);
      EXPECT_EQ(together, all);
    }
  }
}

Options paced(Pacing pacing, double interval_us) {
  Options options;
  options.pacing = pacing;
  options.interval_us = interval_us;
  return options;
}

TEST(Paced, KeepsAnIntervalToTheNanosecond) {
  Paced pacing(paced(Pacing::kSpin, 24.39));
  const Nanoseconds now_ns = platform::now_ns();
  pacing.start({.begin_ns = now_ns, .end_ns = now_ns + kSecondNs, .late_ns = now_ns + kSecondNs},
               never_stop);
  for (const Nanoseconds after_ns : {0, 24'390, 48'780}) {
    EXPECT_EQ(pacing.next(never_stop).value().intended_ns, now_ns + after_ns);
  }
}

/// How many items the phase has, and how many of its schedule it misses.
std::pair<int, std::uint64_t> run_through(Paced pacing, const Phase& phase) {
  pacing.start(phase, never_stop);
  int items = 0;
  while (const std::optional<Turn> turn = pacing.next(never_stop)) {
    EXPECT_GE(turn->created_ns, turn->intended_ns);
    ++items;
  }
  return {items, pacing.missed()};
}

TEST(Paced, MakesTheItemsOfAStallAtTheEnd) {
  const Nanoseconds now_ns = platform::now_ns();
  const Phase phase{.begin_ns = now_ns - 10 * kSecondNs,
                    .end_ns = now_ns - 1,
                    .late_ns = now_ns + 10 * kSecondNs};
  for (const Pacing pacing : {Pacing::kDeadline, Pacing::kSpin}) {
    EXPECT_EQ(run_through(Paced(paced(pacing, 100'000)), phase), std::pair(100, std::uint64_t{0}));
  }
}

TEST(Paced, EndsAfterTwiceItsTimeAndSaysWhatItMissed) {
  const Nanoseconds now_ns = platform::now_ns();
  const Phase phase{
      .begin_ns = now_ns - 20 * kSecondNs, .end_ns = now_ns - 10 * kSecondNs, .late_ns = now_ns};
  EXPECT_EQ(run_through(Paced(paced(Pacing::kDeadline, 100'000)), phase),
            std::pair(0, std::uint64_t{100}));
}

TEST(Paced, FallsBehindWithRelativeSleepAndSaysWhatItMissed) {
  const Nanoseconds now_ns = platform::now_ns();
  const Phase phase{
      .begin_ns = now_ns, .end_ns = now_ns + kSecondNs / 20, .late_ns = now_ns + kSecondNs / 10};
  const auto [items, missed] = run_through(Paced(paced(Pacing::kSleep, 1000)), phase);
  EXPECT_LT(items, 50);
  EXPECT_EQ(static_cast<std::uint64_t>(items) + missed, 50U);
}

TEST(Paced, StopsWhileItWaits) {
  const std::atomic<bool> stop{true};
  const Nanoseconds now_ns = platform::now_ns();
  for (const Pacing pacing : {Pacing::kSleep, Pacing::kDeadline, Pacing::kSpin}) {
    Paced endless(paced(pacing, 60'000'000));
    endless.start({.begin_ns = now_ns + 3600 * kSecondNs,
                   .end_ns = now_ns + 7200 * kSecondNs,
                   .late_ns = now_ns + 7200 * kSecondNs},
                  stop);
    EXPECT_FALSE(endless.next(stop));
  }
  EXPECT_LT(platform::now_ns(), now_ns + 60 * kSecondNs);
}

}  // namespace
}  // namespace pipelab::load
