#include "load/pattern.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include "load/offered.hpp"
#include "load/pacing.hpp"
#include "load/rated_arrivals.hpp"

namespace pipelab::load {
namespace {

using platform::Nanoseconds;

TEST(Pattern, IsReadFromItsText) {
  EXPECT_EQ(to_pattern("constant:10k")->rates, (std::vector<double>{10'000}));
  EXPECT_EQ(to_pattern("ramp:1k..0.05M")->rates, (std::vector<double>{1000, 50'000}));
  const Pattern spike = to_pattern("spike:10k,50k@200ms").value();
  EXPECT_EQ(spike.rates, (std::vector<double>{10'000, 50'000}));
  EXPECT_EQ(spike.durations_ns, (std::vector<Nanoseconds>{200'000'000}));
  const Pattern steps = to_pattern("step:1k@1s,2k@0.5s,500@2s").value();
  EXPECT_EQ(steps.rates, (std::vector<double>{1000, 2000, 500}));
  EXPECT_EQ(steps.durations_ns, (std::vector<Nanoseconds>{platform::kNanosecondsPerSecond,
                                                          platform::kNanosecondsPerSecond / 2,
                                                          2 * platform::kNanosecondsPerSecond}));
}

TEST(Pattern, IsNotReadFromAnythingElse) {
  for (const char* text : {"",
                           "constant",
                           "constant:",
                           "constant:0",
                           "constant:-1",
                           "constant:nan",
                           "constant:inf",
                           "constant:1e10",
                           "constant:1k,2k",
                           "constant:1k@1s",
                           "constant:1kk",
                           "ramp:1k",
                           "ramp:1k..",
                           "ramp:1k..0",
                           "ramp:1k..2k..3k",
                           "spike:1k,2k",
                           "spike:1k@1s,2k",
                           "spike:1k,2k@0s",
                           "spike:1k,2k@1",
                           "spike:1k,2k@1s,3k@1s",
                           "step:1k",
                           "step:1k@1s,",
                           "step:1k@-1s",
                           "step:1k@1s@1s",
                           "burst:1,2",
                           "CONSTANT:1k"}) {
    EXPECT_FALSE(to_pattern(text)) << text;
  }
  std::string many = "step:1@1s";
  for (int step = 0; step < 100; ++step) {
    many += ",1@1s";
  }
  EXPECT_FALSE(to_pattern(many));
}

Options patterned(const char* text, double duration_s = 1) {
  Options options;
  options.pattern = to_pattern(text);
  options.duration_s = duration_s;
  return options;
}

TEST(Pattern, IsRefusedWhereTheRunIsTooShortOrHasAnotherSchedule) {
  EXPECT_EQ(conflict(patterned("spike:1k,2k@200ms")), "");
  EXPECT_EQ(conflict(patterned("step:1k@500ms,2k@500ms")), "");
  EXPECT_NE(conflict(patterned("spike:1k,2k@1s")).find("leaves no time"), std::string::npos);
  EXPECT_NE(conflict(patterned("step:1k@1s,2k@1ms")).find("steps take"), std::string::npos);
  Options both = patterned("constant:1k");
  both.interval_us = 10;
  EXPECT_NE(conflict(both).find("leave out --prod-interval-us"), std::string::npos);
  Options bursts = patterned("constant:1k");
  bursts.arrival = to_arrival("burst:10,100").value();
  EXPECT_NE(conflict(bursts).find("bursts have no rate"), std::string::npos);
}

/// The intended times of a share's items.
std::vector<Nanoseconds> times_of(const Options& options, const Share& share = {}) {
  RatedArrivals arrivals(options, share);
  std::vector<Nanoseconds> times;
  for (Nanoseconds time_ns = arrivals.restart(); time_ns < std::llround(options.duration_s * 1e9);
       time_ns += arrivals.next_gap_ns()) {
    times.push_back(time_ns);
  }
  return times;
}

/// How many of `times` are in some seconds.
auto within(const std::vector<Nanoseconds>& times, double begin_s, double end_s) {
  return std::ranges::count_if(times, [&](Nanoseconds time_ns) {
    return time_ns >= std::llround(begin_s * 1e9) && time_ns < std::llround(end_s * 1e9);
  });
}

TEST(RatedArrivals, HaveTheRatesOfTheirPattern) {
  EXPECT_EQ(times_of(patterned("constant:4")),
            (std::vector<Nanoseconds>{0, platform::kNanosecondsPerSecond / 4,
                                      platform::kNanosecondsPerSecond / 2,
                                      platform::kNanosecondsPerSecond / 4 * 3}));
  const std::vector<Nanoseconds> spike = times_of(patterned("spike:1k,5k@200ms"));
  EXPECT_EQ(within(spike, 0, 0.4), 400);
  EXPECT_EQ(within(spike, 0.4, 0.6), 1000);
  EXPECT_EQ(within(spike, 0.6, 1), 400);
  const std::vector<Nanoseconds> steps = times_of(patterned("step:100@1s,300@500ms", 3));
  EXPECT_EQ(within(steps, 0, 1), 100);
  EXPECT_EQ(within(steps, 1, 3), 600);  // the last goes on
  const std::vector<Nanoseconds> ramp = times_of(patterned("ramp:1k..3k"));
  EXPECT_EQ(ramp.size(), 2000U);
  EXPECT_EQ(within(ramp, 0, 0.5), 750);
  EXPECT_TRUE(std::ranges::is_sorted(ramp));
  EXPECT_EQ(times_of(patterned("ramp:3k..1k")).size(), 2000U);
}

TEST(RatedArrivals, AtRandomHaveTheSameRatesOnAverageAndRepeatWithTheSeed) {
  Options options = patterned("spike:10k,50k@200ms");
  options.arrival = to_arrival("poisson").value();
  const std::vector<Nanoseconds> times = times_of(options);
  // Their deviation is the root of the mean: within 5 of them.
  EXPECT_NEAR(static_cast<double>(within(times, 0, 0.4)), 4000, 5 * std::sqrt(4000));
  EXPECT_NEAR(static_cast<double>(within(times, 0.4, 0.6)), 10'000, 5 * std::sqrt(10'000));
  EXPECT_EQ(times, times_of(options));
  options.seed = 2;
  EXPECT_NE(times, times_of(options));
}

TEST(RatedArrivals, OfSeveralMakersAreTogetherThoseOfOneAndAreCountedAsMany) {
  for (const char* pattern :
       {"constant:1k", "ramp:500..3k", "spike:1k,9k@100ms", "step:1k@300ms,50@1ms"}) {
    for (const char* arrival : {"constant", "poisson"}) {
      Options options = patterned(pattern);
      options.arrival = to_arrival(arrival).value();
      const std::vector<Nanoseconds> all = times_of(options);
      for (const std::size_t many : std::array<std::size_t, 3>{1, 2, 7}) {
        std::vector<Nanoseconds> together;
        for (std::size_t which = 0; which < many; ++which) {
          const Share share{.which = which, .many = many};
          const std::vector<Nanoseconds> own = times_of(options, share);
          together.insert(together.end(), own.begin(), own.end());
          RatedArrivals arrivals(options, share);
          const Nanoseconds first_ns = arrivals.restart();
          const Nanoseconds gap_ns = arrivals.next_gap_ns();
          EXPECT_EQ(arrivals.count(gap_ns, platform::kNanosecondsPerSecond - first_ns), own.size())
              << pattern << ' ' << arrival << ' ' << many;
        }
        std::ranges::sort(together);
        EXPECT_EQ(together, all) << pattern << ' ' << arrival << ' ' << many;
      }
    }
  }
}

TEST(RatedArrivals, OfMoreItemsThanCanBeMadeAreCountedAtOnce) {
  const Options options = patterned("ramp:1M..1000M", 3600);
  RatedArrivals arrivals(options, {});
  const Nanoseconds gap_ns = arrivals.next_gap_ns();
  EXPECT_NEAR(static_cast<double>(arrivals.count(gap_ns, 3600 * platform::kNanosecondsPerSecond)),
              3600 * 500.5e6, 1e3);
}

TEST(Patterned, KeepsAPatternOpenLoop) {
  const std::atomic<bool> not_stopped{false};
  Options options = patterned("step:100@200ms,400@100ms", 0.3);
  const Nanoseconds now_ns = platform::now_ns();
  const Phase phase{.begin_ns = now_ns - platform::kNanosecondsPerSecond,
                    .end_ns = now_ns - platform::kNanosecondsPerSecond + 300'000'000,
                    .late_ns = now_ns + 10 * platform::kNanosecondsPerSecond};
  Patterned pacing(options);
  for (int again = 0; again < 2; ++again) {  // each phase has the pattern from its begin
    pacing.start(phase, not_stopped);
    int items = 0;
    while (const std::optional<Turn> turn = pacing.next(not_stopped)) {
      EXPECT_EQ(turn->intended_ns - phase.begin_ns,
                items < 20 ? items * 10'000'000 : 200'000'000 + (items - 20) * 2'500'000);
      ++items;
    }
    EXPECT_EQ(items, 60);
    EXPECT_EQ(pacing.missed(), 0U);
  }
}

TEST(Offered, IsWhatTheScheduleHasUntilThen) {
  constexpr Nanoseconds kSecond = platform::kNanosecondsPerSecond;
  const std::array<Nanoseconds, 4> times{0, kSecond / 2, kSecond, 2 * kSecond};
  using Items = std::vector<std::uint64_t>;
  EXPECT_EQ(offered(patterned("step:100@500ms,300@500ms"), times), (Items{0, 50, 200, 200}));
  Options options;
  options.duration_s = 1;
  EXPECT_EQ(offered(options, times), (Items{0, 500, 1000, 1000}));
  options.arrival = to_arrival("burst:10,91000").value();
  EXPECT_EQ(offered(options, times), (Items{0, 50, 100, 100}));
  options.arrival = to_arrival("poisson").value();
  EXPECT_NEAR(static_cast<double>(offered(options, times)[2]), 1000, 5 * std::sqrt(1000));
  options.interval_us = 0.1;  // more than are gone through
  EXPECT_EQ(offered(options, times).size(), 1U);
  options = {};
  options.interval_us = 0;
  EXPECT_TRUE(offered(options, times).empty());
}

}  // namespace
}  // namespace pipelab::load
