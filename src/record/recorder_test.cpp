#include "record/recorder.hpp"

#include <gtest/gtest.h>

#include <array>

namespace pipelab::record {
namespace {

struct Times {
  platform::Nanoseconds intended_ns{0};
  platform::Nanoseconds done_ns{0};

  static constexpr std::array<std::string_view, 1> kStages{"all"};
  static constexpr std::array<std::string_view, 2> kMetrics{"response", "half"};

  std::array<platform::Nanoseconds, 1> stages_ns() const { return {done_ns - intended_ns}; }
  std::array<platform::Nanoseconds, 2> metrics_ns() const {
    return {done_ns - intended_ns, (done_ns - intended_ns) / 2};
  }
};

TEST(Recorder, KeepsTheFirstItemsAndCountsAll) {
  Recorder<Times> recorder(2);
  for (int item = 0; item < 5; ++item) {
    recorder.record({.intended_ns = 100, .done_ns = 250});
  }
  EXPECT_EQ(recorder.items(), 5U);
  EXPECT_EQ(recorder.samples().size(), 2U);
  EXPECT_EQ(recorder.histograms()[0].total(), 5U);
  EXPECT_EQ(recorder.histograms()[0].value_at(1.0), 150U);
  EXPECT_EQ(recorder.histograms()[1].value_at(1.0), 75U);
  EXPECT_EQ(recorder.last_done_ns(), 250);
  EXPECT_EQ(recorder.clipped(), 0U);
}

TEST(Recorder, KeepsEveryFewthItem) {
  Recorder<Times> recorder(3, 10);
  for (platform::Nanoseconds item = 0; item < 100; ++item) {
    EXPECT_EQ(recorder.keeps_next(), item == 0 || item == 10 || item == 20) << item;
    recorder.record({.intended_ns = item, .done_ns = 1000});
  }
  ASSERT_EQ(recorder.samples().size(), 3U);
  EXPECT_EQ(recorder.samples()[0].intended_ns, 0);
  EXPECT_EQ(recorder.samples()[1].intended_ns, 10);
  EXPECT_EQ(recorder.samples()[2].intended_ns, 20);
  EXPECT_EQ(recorder.items(), 100U);
}

TEST(Recorder, TakesWhatAnotherThreadRecorded) {
  Recorder<Times> one(3);
  Recorder<Times> other(2);
  for (platform::Nanoseconds item = 0; item < 5; ++item) {
    one.record({.intended_ns = 2 * item, .done_ns = 2 * item + 10});
    other.record({.intended_ns = 2 * item + 1, .done_ns = 2 * item + 101});
  }
  one.merge(other);
  EXPECT_EQ(one.items(), 10U);
  EXPECT_EQ(one.histograms()[0].total(), 10U);
  EXPECT_EQ(one.histograms()[0].value_at(0.5), 10U);
  EXPECT_EQ(one.histograms()[0].value_at(1.0), 100U);
  EXPECT_EQ(one.last_done_ns(), 109);
  ASSERT_EQ(one.samples().size(), 5U);
  for (std::size_t sample = 0; sample < 4; ++sample) {
    EXPECT_EQ(one.samples()[sample].intended_ns, static_cast<platform::Nanoseconds>(sample));
  }
  EXPECT_EQ(one.samples()[4].intended_ns, 4);
}

constexpr platform::Nanoseconds kLengthNs = 100'000'000;
constexpr platform::Nanoseconds kBeginNs = 7'000'000'123;

/// Records items that take as long as each other, `gap_ns` apart, done from then to then.
void record_evenly(Recorder<Times>& recorder, platform::Nanoseconds from_ns,
                   platform::Nanoseconds to_ns, platform::Nanoseconds gap_ns,
                   platform::Nanoseconds response_ns = 1000) {
  for (platform::Nanoseconds done_ns = from_ns; done_ns < to_ns; done_ns += gap_ns) {
    recorder.record(
        {.intended_ns = kBeginNs + done_ns - response_ns, .done_ns = kBeginNs + done_ns});
  }
}

TEST(Intervals, AreAThousandAtMost) {
  EXPECT_EQ(Intervals::of(2, 0).room(), 1U);
  EXPECT_EQ(Intervals::of(2, 100).planned, 20U);
  EXPECT_EQ(Intervals::of(2.05, 100).planned, 21U);
  EXPECT_EQ(Intervals::of(0.001, 100).planned, 1U);
  EXPECT_EQ(Intervals::of(100, 100).length_ns, kLengthNs);
  EXPECT_EQ(Intervals::of(100.1, 100).length_ns, 2 * kLengthNs);
  EXPECT_EQ(Intervals::of(86'400, 100).planned, 1000U);
  EXPECT_EQ(Intervals::of(86'400, 3'600'000).planned, 24U);
}

TEST(Recorder, CountsAnItemInTheIntervalInWhichItWasDone) {
  Recorder<Times> recorder(0, 1, Intervals::of(0.3, 100));
  recorder.begin(kBeginNs);
  for (const platform::Nanoseconds done_ns :
       {platform::Nanoseconds{0}, kLengthNs - 1, kLengthNs, 2 * kLengthNs, 3 * kLengthNs - 1}) {
    record_evenly(recorder, done_ns, done_ns + 1, 1);
  }
  const Series series = recorder.series(3 * kLengthNs);
  ASSERT_EQ(series.rows.size(), 3U);
  EXPECT_EQ(series.rows[0].items, 2U);
  EXPECT_EQ(series.rows[1].items, 1U);
  EXPECT_EQ(series.rows[2].items, 2U);
  EXPECT_EQ(series.rows[1].begin_ns, kLengthNs);
  EXPECT_EQ(series.ends_ns().back(), 3 * kLengthNs);
  EXPECT_EQ(series.rows[0].metrics[0].p50_ns, 1007U);  // of a bucket from 992 on
  EXPECT_FALSE(series.rows[0].metrics[0].p99_ns);      // no item is beyond it
  EXPECT_FALSE(series.rows[1].metrics[0].p50_ns);
}

TEST(Recorder, HasARowForAnIntervalInWhichNothingWasDone) {
  Recorder<Times> recorder(10, 1, Intervals::of(1, 100));
  recorder.begin(kBeginNs);
  record_evenly(recorder, 0, kLengthNs, 1'000'000);
  record_evenly(recorder, 7 * kLengthNs, 10 * kLengthNs, 1'000'000, 6 * kLengthNs);
  const Series series = recorder.series(10 * kLengthNs);
  ASSERT_EQ(series.rows.size(), 10U);
  for (std::size_t row = 0; row < 10; ++row) {
    EXPECT_EQ(series.rows[row].items, row == 0 || row > 6 ? 100U : 0U) << row;
    EXPECT_EQ(series.rows[row].metrics[0].p99_ns.has_value(), row == 0 || row > 6) << row;
  }
  EXPECT_EQ(recorder.samples().size(), 10U);
}

TEST(Recorder, PutsWhatIsLateIntoFurtherRowsAndTheRestIntoTheLast) {
  for (const bool begins_late : {false, true}) {
    Recorder<Times> recorder(0, 1, Intervals::of(0.2, 100));  // with room for two more
    recorder.begin(kBeginNs);
    record_evenly(recorder, begins_late ? 9 * kLengthNs : 0, 10 * kLengthNs, 1'000'000);
    const Series series = recorder.series(10 * kLengthNs);
    ASSERT_EQ(series.rows.size(), 4U);
    EXPECT_EQ(series.rows[2].items, begins_late ? 0U : 100U);
    EXPECT_EQ(series.rows[3].items, begins_late ? 100U : 700U);
    EXPECT_EQ(series.rows[3].length_ns, 7 * kLengthNs);
  }
}

TEST(Recorder, AddsAShortEndToTheRowBeforeIt) {
  Recorder<Times> recorder(0, 1, Intervals::of(0.25, 100));
  recorder.begin(kBeginNs);
  record_evenly(recorder, 0, 2 * kLengthNs + 60'000'000, 1'000'000);
  EXPECT_EQ(recorder.series(2 * kLengthNs + 60'000'000).rows.size(), 3U);
  const Series series = recorder.series(2 * kLengthNs + 40'000'000);
  ASSERT_EQ(series.rows.size(), 2U);
  EXPECT_EQ(series.rows[1].items, 160U);
  EXPECT_EQ(series.rows[1].length_ns, kLengthNs + 40'000'000);
}

TEST(Recorder, CountsManyItemsOfAnIntervalByAFewOfThem) {
  Recorder<Times> recorder(1000, 7, Intervals::of(0.3, 100));
  recorder.begin(kBeginNs);
  constexpr platform::Nanoseconds kGapNs = 1000;  // 100,000 an interval
  record_evenly(recorder, 0, kLengthNs, kGapNs, 1000);
  record_evenly(recorder, kLengthNs, kLengthNs + kLengthNs * 97 / 100, kGapNs, 2000);
  record_evenly(recorder, kLengthNs + kLengthNs * 97 / 100, 2 * kLengthNs, kGapNs, 64'000);
  record_evenly(recorder, 2 * kLengthNs, 3 * kLengthNs, 200'000, 4000);
  EXPECT_EQ(recorder.items(), 200'500U);
  EXPECT_EQ(recorder.histograms()[0].total(), 200'500U);
  ASSERT_EQ(recorder.samples().size(), 1000U);
  EXPECT_EQ(recorder.samples()[999].done_ns, kBeginNs + kGapNs * 7 * 999);
  const Series series = recorder.series(3 * kLengthNs);
  EXPECT_EQ(series.rows[0].items, 100'000U);
  EXPECT_EQ(series.rows[1].items, 100'000U);
  EXPECT_EQ(series.rows[2].items, 500U);
  EXPECT_EQ(series.rows[0].metrics[0].p99_ns, 1007U);
  EXPECT_EQ(series.rows[1].metrics[0].p50_ns, 2015U);
  EXPECT_EQ(series.rows[1].metrics[0].p99_ns, 64'511U);  // 3 % of all, so they are not lost
  EXPECT_EQ(series.rows[1].metrics[1].p99_ns, 32'255U);
  EXPECT_EQ(series.rows[2].metrics[0].p99_ns, 4031U);
}

TEST(Recorder, AddsTheCoursesOfSeveralThreads) {
  Recorder<Times> all(0, 1, Intervals::of(0.2, 100));
  for (const platform::Nanoseconds response_ns : {1000, 64'000}) {
    Recorder<Times> one(5, 1, Intervals::of(0.2, 100));
    one.begin(kBeginNs);
    record_evenly(one, 0, response_ns == 1000 ? kLengthNs : 2 * kLengthNs, 1'000'000, response_ns);
    one.fail(kBeginNs + kLengthNs + 1);
    all.merge(one);
  }
  const Series series = all.series(2 * kLengthNs);
  ASSERT_EQ(series.rows.size(), 2U);
  EXPECT_EQ(series.rows[0].items, 200U);
  EXPECT_EQ(series.rows[1].items, 100U);
  EXPECT_EQ(series.rows[0].metrics[0].p50_ns, 1007U);
  EXPECT_EQ(series.rows[0].metrics[0].p99_ns, 64'511U);
  EXPECT_EQ(series.rows[0].failed, 0U);
  EXPECT_EQ(series.rows[1].failed, 2U);
  EXPECT_EQ(all.items(), 300U);
}

TEST(Recorder, IsNotCutIntoIntervalsUnlessAsked) {
  Recorder<Times> recorder(3);
  recorder.begin(kBeginNs);
  record_evenly(recorder, 0, kLengthNs, 1'000'000);
  EXPECT_TRUE(recorder.series(kLengthNs).rows.empty());
  EXPECT_EQ(recorder.items(), 100U);
}

}  // namespace
}  // namespace pipelab::record
