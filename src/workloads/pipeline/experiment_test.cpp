#include "workloads/pipeline/experiment.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <span>
#include <system_error>
#include <tuple>

namespace pipelab::pipeline {
namespace {

using channel::OnFull;
using channel::Queue;
using channel::Wait;

std::atomic<bool> never_stop{false};

/// All that a run is told.
struct Setting {
  Kit kit{};
  Options own{};

  Measured run(Recorder& recorder, std::atomic<bool>& stop) const {
    return measure(kit, own, recorder, stop);
  }
};

constexpr std::size_t kSamples = 100'000;

Setting quick() {
  Setting setting;
  setting.kit.load.duration_s = 0.03;
  setting.kit.load.warmup_s = 0.01;
  return setting;
}

/// A run that brought something across: a host that is busy elsewhere can take all of a quick one.
Measured run_some(Setting setting, Recorder& recorder) {
  Measured outcome = setting.run(recorder, never_stop);
  if (recorder.items() > 0) {
    return outcome;
  }
  setting.kit.load.duration_s = 1;
  return setting.run(recorder, never_stop);
}

using Combination = std::tuple<Queue, Wait, OnFull, double, std::size_t>;

class EveryCombination : public ::testing::TestWithParam<Combination> {};

TEST_P(EveryCombination, AccountsForEveryItemInOrder) {
  Setting setting = quick();
  std::tie(setting.own.channel.queue, setting.own.channel.wait, setting.own.channel.on_full,
           setting.kit.load.interval_us, setting.own.channel.item_bytes) = GetParam();
  setting.own.channel.zero_copy = setting.own.channel.item_bytes > 64;
  setting.own.channel.queue_cap = 4;
  Recorder recorder(kSamples);
  const Measured outcome = run_some(setting, recorder);

  EXPECT_GT(recorder.items(), 0U);
  EXPECT_EQ(recorder.items() + outcome.production.dropped, outcome.production.produced);
  EXPECT_GE(outcome.elapsed_ns, 30'000'000);
  if (setting.own.channel.on_full == OnFull::kBlock) {
    EXPECT_EQ(outcome.production.dropped, 0U);
  }
  platform::Nanoseconds last_created_ns = 0;
  for (const ItemTimes& item : recorder.samples()) {
    ASSERT_GE(item.intended_ns, outcome.begin_ns);
    ASSERT_GE(std::ranges::min(item.stages_ns()), 0);
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
  Setting setting = quick();
  setting.kit.load.interval_us = 5000;
  Recorder recorder(kSamples);
  const Measured outcome = setting.run(recorder, never_stop);
  EXPECT_EQ(outcome.production.produced + outcome.production.missed, 6U);
  const std::span<const ItemTimes> items = recorder.samples();
  for (std::size_t item = 0; item < items.size(); ++item) {
    EXPECT_EQ(items[item].intended_ns,
              outcome.begin_ns + static_cast<platform::Nanoseconds>(item) * 5'000'000);
  }
}

TEST(Experiment, FallsBehindWithRelativeSleep) {
  Setting setting = quick();
  setting.kit.load.pacing = load::Pacing::kSleep;
  Recorder recorder(kSamples);
  static_cast<void>(setting.run(recorder, never_stop));
  const std::span<const ItemTimes> items = recorder.samples();
  ASSERT_GE(items.size(), 2U);
  EXPECT_GT(items.back().stages_ns().front(), items.front().stages_ns().front());
}

TEST(Experiment, MeasuresTheServiceTimeOfWork) {
  Setting setting = quick();
  setting.own.work_bytes = 1U << 20U;
  Recorder recorder(kSamples);
  static_cast<void>(setting.run(recorder, never_stop));
  for (const ItemTimes& item : recorder.samples()) {
    EXPECT_GT(item.stages_ns().back(), 0);
  }
}

TEST(Experiment, KeepsOrderAndCountInBatches) {
  for (const Wait wait : {Wait::kSpin, Wait::kFutex}) {
    for (const OnFull on_full : {OnFull::kDrop, OnFull::kBlock}) {
      for (const std::size_t batch : {2U, 7U, 16U}) {
        Setting setting = quick();
        setting.kit.load.interval_us = 0;
        setting.own.channel.queue_cap = 16;
        setting.own.channel.item_bytes = 8;
        setting.own.channel.wait = wait;
        setting.own.channel.on_full = on_full;
        setting.own.channel.batch = batch;
        Recorder recorder(0);
        EXPECT_GT(run_some(setting, recorder).production.produced, 0U);
      }
    }
  }
}

TEST(Experiment, DeliversAPartOfABatchAtTheEnd) {
  Setting setting = quick();
  setting.kit.load.interval_us = 10'000;
  setting.own.channel.batch = 64;
  Recorder recorder(0);
  const Measured outcome = setting.run(recorder, never_stop);
  EXPECT_EQ(outcome.production.produced + outcome.production.missed, 3U);
  EXPECT_EQ(recorder.items(), outcome.production.produced);
}

TEST(Experiment, CountsWhatTheKernelDid) {
  Setting setting = quick();
  Recorder recorder(0);
  const Measured outcome = setting.run(recorder, never_stop);
  ASSERT_EQ(outcome.threads.size(), 2U);
  const threads::Record& producer = outcome.threads.front();
  const threads::Record& consumer = outcome.threads.back();
  EXPECT_EQ(producer.role, "producer");
  EXPECT_EQ(consumer.role, "consumer");
  EXPECT_GT(producer.tid, consumer.tid);
  ASSERT_TRUE(producer.counters.voluntary_switches);
  EXPECT_GE(*producer.counters.voluntary_switches, 1);
  ASSERT_TRUE(consumer.counters.page_faults);
  EXPECT_GE(*consumer.counters.page_faults, 0);
  EXPECT_GT(outcome.wake_ups.value_or(0), 0);
}

TEST(Experiment, EndsEarlyWhenItIsStopped) {
  Setting setting = quick();
  setting.kit.load.duration_s = 3600;
  setting.kit.load.warmup_s = 3600;
  std::atomic<bool> stop{true};
  Recorder recorder(0);
  const Measured outcome = setting.run(recorder, stop);
  EXPECT_EQ(outcome.elapsed_ns, 0);
  EXPECT_EQ(outcome.production.produced, 0U);
}

TEST(Experiment, ReportsAThreadThatCannotBePinned) {
  for (const Wait wait : {Wait::kSpin, Wait::kFutex}) {
    Setting setting = quick();
    setting.own.channel.on_full = OnFull::kBlock;
    setting.kit.load.interval_us = 0;
    setting.own.channel.wait = wait;
    Recorder recorder(0);
    setting.own.producer.pin = 1023;
    EXPECT_THROW(static_cast<void>(setting.run(recorder, never_stop)), std::system_error);
    setting.own.producer.pin.reset();
    setting.own.consumer.pin = 1023;
    EXPECT_THROW(static_cast<void>(setting.run(recorder, never_stop)), std::system_error);
  }
}

TEST(Experiment, SchedulesEachThreadAsItsOwnOptionSays) {
  // No kernel takes it: the runtime is longer than the period.
  const platform::Scheduling refused{.klass = platform::Scheduling::Class::kDeadline,
                                     .priority = 0,
                                     .runtime_ns = 2'000'000,
                                     .deadline_ns = 1'000'000,
                                     .period_ns = 1'000'000};
  for (auto role : {&Options::producer, &Options::consumer}) {
    Setting setting = quick();
    (setting.own.*role).scheduling = refused;
    Recorder recorder(0);
    EXPECT_THROW(static_cast<void>(setting.run(recorder, never_stop)), std::system_error);
  }
}

}  // namespace
}  // namespace pipelab::pipeline
