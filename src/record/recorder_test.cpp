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

}  // namespace
}  // namespace pipelab::record
