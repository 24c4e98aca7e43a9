// The producer's schedule, on a clock that only these tests move.

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <random>
#include <utility>
#include <vector>

#include "workloads/pipeline/producer.hpp"

namespace pipelab::pipeline {
namespace {

using load::Arrival;
using load::Arrivals;
using load::Pacing;

using platform::Nanoseconds;

constexpr Nanoseconds kReadNs = 2000;         // what a read of the clock costs
constexpr Nanoseconds kWakeUpNs = 50'000;     // and waking up from a sleep
constexpr Nanoseconds kQuietNs = 10'000'000;  // between the phases, as in a run

struct VirtualClock {
  static inline Nanoseconds time_ns = 0;

  static Nanoseconds now_ns() noexcept { return time_ns += kReadNs; }
  static void sleep_until(Nanoseconds deadline_ns, const std::atomic<bool>& /*stop*/) noexcept {
    time_ns = time_ns < deadline_ns ? deadline_ns + kWakeUpNs : time_ns;
  }
  static void sleep_for(Nanoseconds duration_ns, const std::atomic<bool>& stop) noexcept {
    sleep_until(time_ns + duration_ns, stop);
  }
};

/// Takes every item, and stops the producer once for a while.
struct Sink {
  using Item = pipeline::Item;
  using Waiter = channel::Waiter<channel::Wait::kSpin>;

  Nanoseconds push_ns{0};
  Nanoseconds stall_at_ns{INT64_MAX};
  Nanoseconds stall_ns{0};
  std::vector<Item> items{};

  channel::Payload next_payload() { return {}; }
  channel::Push try_push(const Item& item) {
    items.push_back(item);
    VirtualClock::time_ns += push_ns;
    if (item.intended_ns >= stall_at_ns) {
      VirtualClock::time_ns += stall_ns;
      stall_at_ns = INT64_MAX;
    }
    return channel::Push::kPushed;
  }
  Item displaced() { return {}; }
  void flush() {}
  bool full() { return false; }
  void park_producer() {}
};

/// A run of a random schedule and what became of it, in ns after the begin of its measured phase.
struct Rehearsal {
  load::Options options;
  Nanoseconds stall_at_ns{INT64_MAX};
  Nanoseconds stall_ns{0};

  Production production{};
  std::vector<Item> warm_up{};
  std::vector<Item> measured{};
  Nanoseconds warm_end_ns{0};  // when the producer was through with the warm-up
  Nanoseconds end_ns{0};       // and with the measured phase

  Nanoseconds length_ns() const { return std::llround(options.duration_s * 1e9); }

  void operator()() {
    const Nanoseconds warm_ns = std::llround(options.warmup_s * 1e9);
    const Nanoseconds begin_ns = warm_ns + kQuietNs;
    const Nanoseconds end = begin_ns + length_ns();
    Sink sink{.push_ns = 200};
    VirtualClock::time_ns = -5'000'000;
    const std::atomic<bool> stop{false};
    Producer<Sink, load::BasicPaced<VirtualClock>> producer(sink, options, {}, stop);
    producer.run({.begin_ns = 0, .end_ns = warm_ns, .late_ns = warm_ns});
    warm_up = moved(std::exchange(sink.items, {}), 0);
    warm_end_ns = VirtualClock::time_ns;
    sink.stall_at_ns = stall_at_ns == INT64_MAX ? INT64_MAX : begin_ns + stall_at_ns;
    sink.stall_ns = stall_ns;
    production = producer.run({.begin_ns = begin_ns, .end_ns = end, .late_ns = end + length_ns()});
    production.missed = producer.missed();
    measured = moved(std::move(sink.items), begin_ns);
    end_ns = VirtualClock::time_ns - begin_ns;
  }

  static std::vector<Item> moved(std::vector<Item> items, Nanoseconds by_ns) {
    for (Item& item : items) {
      item.intended_ns -= by_ns;
      item.created_ns -= by_ns;
    }
    return items;
  }
};

/// When the items of a whole schedule are intended, counted by hand.
std::vector<Nanoseconds> schedule_of(const load::Options& options, Nanoseconds length_ns) {
  const Nanoseconds interval_ns = std::llround(options.interval_us * 1000);
  Arrivals poisson(options.arrival, interval_ns, options.seed);
  std::vector<Nanoseconds> times_ns;
  Nanoseconds time_ns = 0;
  while (time_ns < length_ns) {
    times_ns.push_back(time_ns);
    const auto item = static_cast<std::int64_t>(times_ns.size());
    switch (options.arrival.pattern) {
      case Arrival::Pattern::kConstant:
        time_ns = item * interval_ns;
        break;
      case Arrival::Pattern::kPoisson:
        time_ns += poisson.next_gap_ns();
        break;
      case Arrival::Pattern::kBurst:
        time_ns +=
            item % options.arrival.burst_items == 0 ? options.arrival.pause_us * 1000 : interval_ns;
        break;
    }
  }
  return times_ns;
}

load::Options random_schedule(std::mt19937_64& random) {
  // So few that each fits into the index of an array, also on targets of 32 bits.
  const auto below = [&random](std::uint32_t end) {
    return static_cast<std::uint32_t>(random() % end);
  };
  load::Options options;
  options.pacing = std::array{Pacing::kSleep, Pacing::kDeadline, Pacing::kSpin}.at(below(3));
  options.arrival.pattern =
      std::array{Arrival::Pattern::kConstant, Arrival::Pattern::kPoisson, Arrival::Pattern::kBurst}
          .at(below(3));
  options.arrival.burst_items = 1 + std::int64_t{below(120)};
  options.arrival.pause_us = 100 + std::int64_t{below(100'000)};
  // From many an item's time to one item in the run, and whole milliseconds as people give them.
  options.interval_us = below(2) == 0 ? static_cast<double>(1 + below(40)) * 1000
                                      : std::pow(10, static_cast<double>(below(5)) + 1.5);
  options.warmup_s = std::array{0.0, 0.1, static_cast<double>(below(200'000)) * 1e-6}.at(below(3));
  options.duration_s = static_cast<double>(1 + below(100)) * 1e-3;
  options.seed = random();
  return options;
}

TEST(Schedule, OfTheMeasuredPhaseIsThatOfARunWithoutWarmUp) {
  std::mt19937_64 random(1);
  for (int schedule = 0; schedule < 1000; ++schedule) {
    SCOPED_TRACE(fmt::format("schedule {} of seed 1", schedule));
    Rehearsal run{.options = random_schedule(random)};
    Rehearsal alone = run;
    alone.options.warmup_s = 0;
    run();
    alone();
    const std::vector<Nanoseconds> intended = schedule_of(run.options, run.length_ns());
    ASSERT_LE(run.measured.size(), intended.size());
    ASSERT_EQ(run.measured.size() + run.production.missed, intended.size());
    ASSERT_EQ(run.measured.size(), alone.measured.size());
    for (std::size_t item = 0; item < run.measured.size(); ++item) {
      ASSERT_EQ(run.measured[item].intended_ns, intended[item]) << item;
      ASSERT_EQ(run.measured[item].created_ns, alone.measured[item].created_ns) << item;
    }
    if (run.options.pacing != Pacing::kSleep) {
      ASSERT_EQ(run.production.missed, 0U);
    }
    ASSERT_EQ(run.measured.front().created_ns,
              kWakeUpNs + kReadNs * (1 + (run.options.pacing == Pacing::kSleep)));
  }
}

TEST(Schedule, CrossesNoBorderOfAPhase) {
  std::mt19937_64 random(2);
  constexpr Nanoseconds kSlackNs = kWakeUpNs + 10'000;
  for (int schedule = 0; schedule < 300; ++schedule) {
    SCOPED_TRACE(fmt::format("schedule {} of seed 2", schedule));
    Rehearsal run{.options = random_schedule(random)};
    run();
    const Nanoseconds warm_ns = std::llround(run.options.warmup_s * 1e9);
    ASSERT_GE(run.warm_end_ns, warm_ns);
    ASSERT_LE(run.warm_end_ns, warm_ns + kSlackNs);
    ASSERT_TRUE(run.warm_up.empty() || run.warm_up.back().intended_ns < warm_ns);
    ASSERT_GE(run.end_ns, run.length_ns());
    // With bursts faster than items are made, the last ones are late.
    ASSERT_LE(run.end_ns, run.length_ns() + 200 * kSlackNs);
  }
}

TEST(Schedule, MissesWhatAStallLeavesNoTimeFor) {
  std::mt19937_64 random(3);
  int missed = 0;
  for (int schedule = 0; schedule < 300; ++schedule) {
    SCOPED_TRACE(fmt::format("schedule {} of seed 3", schedule));
    Rehearsal run{.options = random_schedule(random)};
    run.stall_at_ns = static_cast<Nanoseconds>(random() % 100) * 1'000'000;
    run.stall_ns = static_cast<Nanoseconds>(random() % 200) * 1'000'000;
    run();
    const std::vector<Nanoseconds> intended = schedule_of(run.options, run.length_ns());
    ASSERT_EQ(run.measured.size() + run.production.missed, intended.size());
    ASSERT_EQ(run.measured.size(), run.production.produced);
    ASSERT_LE(run.measured.back().created_ns, 2 * run.length_ns());
    missed += run.production.missed > 0 ? 1 : 0;
  }
  EXPECT_GT(missed, 30);
}

TEST(Schedule, OfMoreItemsThanCanBeMadeIsCountedAtOnce) {
  const auto begin = std::chrono::steady_clock::now();
  constexpr Nanoseconds kDayNs = 86'400 * platform::kNanosecondsPerSecond;
  const auto missed = [](const Arrival& arrival, Nanoseconds interval_ns) {
    Arrivals arrivals(arrival, interval_ns, 1);
    const Nanoseconds gap_ns = arrivals.next_gap_ns();
    return arrivals.count(gap_ns, kDayNs);
  };
  using Pattern = Arrival::Pattern;
  EXPECT_EQ(missed({}, 1), static_cast<std::uint64_t>(kDayNs));
  EXPECT_NEAR(static_cast<double>(missed({.pattern = Pattern::kPoisson}, 10)), 8.64e12, 1e6);
  const std::int64_t most = 86'400'000'000;
  EXPECT_EQ(missed({.pattern = Pattern::kBurst, .burst_items = 1000, .pause_us = 1}, 0),
            86'400'000'000'000U);
  EXPECT_EQ(
      missed({.pattern = Pattern::kBurst, .burst_items = most, .pause_us = most}, 60'000'000'000),
      1440U);
  EXPECT_EQ(missed({.pattern = Pattern::kBurst, .burst_items = most, .pause_us = 1}, 0),
            static_cast<std::uint64_t>(INT64_MAX));
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(10));
}

}  // namespace
}  // namespace pipelab::pipeline
