#include "workloads/pipeline/experiment.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <span>
#include <stdexcept>
#include <system_error>
#include <tuple>

namespace pipelab::pipeline {
namespace {

using channel::OnFull;
using channel::Queue;
using channel::Wait;

std::atomic<bool> never_stop{false};

Options quick() {
  Options options;
  options.duration_s = 0.03;
  options.warmup_s = 0.01;
  return options;
}

/// A run that made something: a host that is busy elsewhere can take all of a quick one.
Outcome run_some(Options options, record::Recorder& recorder) {
  const Outcome outcome = run(options, recorder, never_stop);
  if (outcome.production.produced > 0) {
    return outcome;
  }
  options.duration_s = 1;
  return run(options, recorder, never_stop);
}

using Combination = std::tuple<Queue, Wait, OnFull, double, std::size_t>;

class EveryCombination : public ::testing::TestWithParam<Combination> {};

TEST_P(EveryCombination, AccountsForEveryItemInOrder) {
  Options options = quick();
  std::tie(options.queue, options.wait, options.on_full, options.prod_interval_us,
           options.item_bytes) = GetParam();
  options.zero_copy = options.item_bytes > 64;
  options.queue_cap = 4;
  record::Recorder recorder(options.max_samples);
  const Outcome outcome = run_some(options, recorder);

  EXPECT_GT(recorder.items(), 0U);
  EXPECT_EQ(recorder.items() + outcome.production.dropped, outcome.production.produced);
  EXPECT_GE(outcome.elapsed_ns, 30'000'000);
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

INSTANTIATE_TEST_SUITE_P(
    All, EveryCombination,
    ::testing::Combine(::testing::Values(Queue::kSpsc, Queue::kMutex),
                       ::testing::Values(Wait::kSpin, Wait::kYield, Wait::kFutex, Wait::kHybrid),
                       ::testing::Values(OnFull::kDrop, OnFull::kBlock, OnFull::kOverwrite),
                       ::testing::Values(0, 1000), ::testing::Values(0, 64, 256)));

TEST(Experiment, KeepsTheDeadlineSchedule) {
  Options options = quick();
  options.prod_interval_us = 5000;
  record::Recorder recorder(options.max_samples);
  const Outcome outcome = run(options, recorder, never_stop);
  EXPECT_EQ(outcome.production.produced + outcome.production.missed, 6U);
  const std::span<const record::ItemTimes> items = recorder.samples();
  for (std::size_t item = 0; item < items.size(); ++item) {
    EXPECT_EQ(items[item].intended_ns,
              outcome.begin_ns + static_cast<platform::Nanoseconds>(item) * 5'000'000);
  }
}

TEST(Experiment, FallsBehindWithRelativeSleep) {
  Options options = quick();
  options.pacing = load::Pacing::kSleep;
  record::Recorder recorder(options.max_samples);
  static_cast<void>(run(options, recorder, never_stop));
  const std::span<const record::ItemTimes> items = recorder.samples();
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

TEST(Experiment, KeepsOrderAndCountInBatches) {
  for (const Wait wait : {Wait::kSpin, Wait::kFutex}) {
    for (const OnFull on_full : {OnFull::kDrop, OnFull::kBlock}) {
      for (const std::size_t batch : {2U, 7U, 16U}) {
        Options options = quick();
        options.prod_interval_us = 0;
        options.queue_cap = 16;
        options.item_bytes = 8;
        options.wait = wait;
        options.on_full = on_full;
        options.batch = batch;
        record::Recorder recorder(0);
        EXPECT_GT(run_some(options, recorder).production.produced, 0U);
      }
    }
  }
}

TEST(Experiment, DeliversAPartOfABatchAtTheEnd) {
  Options options = quick();
  options.prod_interval_us = 10'000;
  options.batch = 64;
  record::Recorder recorder(0);
  const Outcome outcome = run(options, recorder, never_stop);
  EXPECT_EQ(outcome.production.produced + outcome.production.missed, 3U);
  EXPECT_EQ(recorder.items(), outcome.production.produced);
}

TEST(Experiment, CountsWhatTheKernelDid) {
  Options options = quick();
  record::Recorder recorder(0);
  const Outcome outcome = run(options, recorder, never_stop);
  ASSERT_TRUE(outcome.producer.voluntary_switches);
  EXPECT_GE(*outcome.producer.voluntary_switches, 1);
  ASSERT_TRUE(outcome.consumer.page_faults);
  EXPECT_GE(*outcome.consumer.page_faults, 0);
  EXPECT_GT(outcome.wake_ups.value_or(0), 0);
}

TEST(Experiment, EndsEarlyWhenItIsStopped) {
  Options options = quick();
  options.duration_s = 3600;
  options.warmup_s = 3600;
  std::atomic<bool> stop{true};
  record::Recorder recorder(0);
  const Outcome outcome = run(options, recorder, stop);
  EXPECT_EQ(outcome.elapsed_ns, 0);
  EXPECT_EQ(outcome.production.produced, 0U);
}

TEST(Experiment, ReportsAThreadThatCannotBePinned) {
  for (const Wait wait : {Wait::kSpin, Wait::kFutex}) {
    Options options = quick();
    options.on_full = OnFull::kBlock;
    options.prod_interval_us = 0;
    options.wait = wait;
    record::Recorder recorder(0);
    options.pin_producer = 1023;
    EXPECT_THROW(static_cast<void>(run(options, recorder, never_stop)), std::system_error);
    options.pin_producer.reset();
    options.pin_consumer = 1023;
    EXPECT_THROW(static_cast<void>(run(options, recorder, never_stop)), std::system_error);
  }
}

TEST(Experiment, RefusesMoreMemoryThanThereIs) {
  Options options;
  EXPECT_NO_THROW(require_memory(options));
  options.queue_cap = std::size_t{1} << 24U;
  options.item_bytes = std::size_t{1} << 20U;
  EXPECT_THROW(require_memory(options), std::runtime_error);
}

}  // namespace
}  // namespace pipelab::pipeline
