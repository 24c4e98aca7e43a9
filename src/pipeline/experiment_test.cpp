#include "pipeline/experiment.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <system_error>
#include <tuple>

namespace pipelab::pipeline {
namespace {

const std::atomic<bool> never_stop{false};

Options quick() {
  Options options;
  options.duration_s = 0.05;
  options.warmup_s = 0.01;
  return options;
}

using Combination = std::tuple<Queue, Wait, OnFull, std::int64_t>;

class EveryCombination : public ::testing::TestWithParam<Combination> {};

TEST_P(EveryCombination, AccountsForEveryItemInOrder) {
  Options options = quick();
  std::tie(options.queue, options.wait, options.on_full, options.prod_interval_us) = GetParam();
  options.queue_cap = 4;
  record::Recorder recorder(options.max_samples);
  const Outcome outcome = run(options, recorder, never_stop);

  EXPECT_GT(recorder.items(), 0U);
  EXPECT_EQ(recorder.items() + outcome.production.dropped, outcome.production.produced);
  EXPECT_GE(outcome.elapsed_ns, 50'000'000);
  if (options.on_full == OnFull::kBlock) {
    EXPECT_EQ(outcome.production.dropped, 0U);
  }
  platform::Nanoseconds last_created_ns = 0;
  for (const record::ItemTimes& item : recorder.samples()) {
    ASSERT_GE(item.intended_ns, outcome.begin_ns);
    ASSERT_GE(item.lateness_ns(), 0);
    ASSERT_GE(item.enqueue_ns(), 0);
    ASSERT_GE(item.queue_latency_ns(), 0);
    ASSERT_GE(item.service_ns(), 0);
    ASSERT_GE(item.created_ns, last_created_ns);
    last_created_ns = item.created_ns;
  }
}

INSTANTIATE_TEST_SUITE_P(All, EveryCombination,
                         ::testing::Combine(::testing::Values(Queue::kSpsc, Queue::kMutex),
                                            ::testing::Values(Wait::kSpin, Wait::kYield,
                                                              Wait::kFutex, Wait::kHybrid),
                                            ::testing::Values(OnFull::kDrop, OnFull::kBlock),
                                            ::testing::Values(0, 1000)));

TEST(Experiment, KeepsTheDeadlineSchedule) {
  Options options = quick();
  options.prod_interval_us = 5000;
  record::Recorder recorder(options.max_samples);
  const Outcome outcome = run(options, recorder, never_stop);
  // The host may have stolen the end of the phase, but it cannot add items.
  EXPECT_LE(outcome.production.produced, 10U);
  EXPECT_GE(outcome.production.produced, 1U);
  const std::vector<record::ItemTimes> items = recorder.samples();
  for (std::size_t item = 0; item < items.size(); ++item) {
    EXPECT_EQ(items[item].intended_ns,
              outcome.begin_ns + static_cast<platform::Nanoseconds>(item) * 5'000'000);
  }
}

TEST(Experiment, FallsBehindWithRelativeSleep) {
  Options options = quick();
  options.pacing = Pacing::kSleep;
  record::Recorder recorder(options.max_samples);
  static_cast<void>(run(options, recorder, never_stop));
  const std::vector<record::ItemTimes> items = recorder.samples();
  ASSERT_GE(items.size(), 2U);
  EXPECT_GT(items.back().lateness_ns(), items.front().lateness_ns());
}

TEST(Experiment, MeasuresTheServiceTimeOfWork) {
  Options options = quick();
  options.work_bytes = 1U << 20U;
  record::Recorder recorder(options.max_samples);
  static_cast<void>(run(options, recorder, never_stop));
  for (const record::ItemTimes& item : recorder.samples()) {
    EXPECT_GT(item.service_ns(), 0);
  }
}

TEST(Experiment, EndsEarlyWhenItIsStopped) {
  Options options = quick();
  options.duration_s = 3600;
  const std::atomic<bool> stop{true};
  record::Recorder recorder(0);
  const Outcome outcome = run(options, recorder, stop);
  EXPECT_LT(outcome.elapsed_ns, 3600 * platform::kNanosecondsPerSecond);
}

TEST(Experiment, ReportsAThreadThatCannotBePinned) {
  Options options = quick();
  options.pin_producer = 1023;
  record::Recorder recorder(0);
  EXPECT_THROW(static_cast<void>(run(options, recorder, never_stop)), std::system_error);
}

}  // namespace
}  // namespace pipelab::pipeline
