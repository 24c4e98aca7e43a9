#include "workloads/ingress/experiment.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <deque>
#include <limits>
#include <numeric>
#include <stdexcept>
#include <string>
#include <thread>
#include <tuple>

#include "load/phases.hpp"
#include "platform/clock.hpp"
#include "queue/chunk_queue.hpp"
#include "queue/lanes.hpp"
#include "queue/mpsc_list.hpp"
#include "queue/mpsc_ring.hpp"
#include "threads/waker.hpp"
#include "workloads/ingress/event_loop.hpp"
#include "workloads/ingress/executor.hpp"
#include "workloads/ingress/handover.hpp"
#include "workloads/ingress/seats.hpp"

namespace pipelab::ingress {
namespace {

std::atomic<bool> never_stop{false};
constexpr platform::Nanoseconds kForever = std::numeric_limits<platform::Nanoseconds>::max();

/// All that a run is told.
struct Setting {
  Setting() {
    kit.load.duration_s = 0.02;
    kit.load.warmup_s = 0.005;
    kit.load.interval_us = 0;
    kit.record.out = ".";
    own.producers = 3;
    own.bound = 60;
  }

  Kit kit{};
  Options own{};
};

/// Looks at the stages of the tasks that were kept.
void look_at(const Recorder& recorder, const Measured& measured) {
  EXPECT_FALSE(recorder.samples().empty());
  for (const TaskTimes& task : recorder.samples()) {
    const auto stages_ns = task.stages_ns();
    EXPECT_GE(task.intended_ns, measured.begin_ns);
    EXPECT_GE(std::ranges::min(stages_ns), 0);
    EXPECT_EQ(std::accumulate(stages_ns.begin(), stages_ns.end(), platform::Nanoseconds{0}),
              task.metrics_ns()[1]);
  }
}

/// Runs it, and looks at what every run must hold. That nothing is lost, doubled or out of order is
/// what measure() looks at itself: see Executor's tests.
Measured run(Setting setting) {
  for (; setting.kit.load.duration_s < 10; setting.kit.load.duration_s *= 10) {
    Recorder recorder(setting.kit.record.samples());
    Measured measured = measure(setting.kit, setting.own, recorder, never_stop);
    if (recorder.items() == 0) {
      continue;  // a host that is busy elsewhere can take all of a quick one
    }
    EXPECT_EQ(recorder.items(), measured.submitted.measured);
    EXPECT_EQ(measured.tasks.size(), setting.own.producers);
    EXPECT_EQ(measured.submitted.submit.total(), recorder.items());
    look_at(recorder, measured);
    return measured;
  }
  throw std::runtime_error("nothing was measured");
}

constexpr std::array kQueues{Queue::kList,        Queue::kMutexSwap, Queue::kMutexChunk,
                             Queue::kMutexDetach, Queue::kRing,      Queue::kLanes,
                             Queue::kDirect};

class EachQueue : public ::testing::TestWithParam<std::tuple<Queue, std::size_t>> {
 protected:
  EachQueue() { std::tie(setting_.own.queue, setting_.own.producers) = GetParam(); }

  Setting setting_;
};

INSTANTIATE_TEST_SUITE_P(All, EachQueue,
                         ::testing::Combine(::testing::ValuesIn(kQueues),
                                            ::testing::Values(1, 3, 9)));

TEST_P(EachQueue, RunsEveryTaskOfASchedule) {
  setting_.kit.load.interval_us = 500;
  const Measured measured = run(setting_);
  EXPECT_EQ(
      (measured.submitted.measured + measured.submitted.dropped + measured.submitted.missed) % 40,
      0U);
  EXPECT_EQ(measured.threads.size(), setting_.own.producers + 1);
}

TEST_P(EachQueue, RunsWhatComesAsFastAsPossible) {
  setting_.own.order =
      setting_.own.queue == Queue::kLanes ? Order::kProducer : Order::kGlobal;  // which is checked
  const Measured measured = run(setting_);
  EXPECT_EQ(measured.submitted.dropped, 0U);
}

TEST_P(EachQueue, RunsBurstsThatAreLargerThanTheBound) {
  setting_.own.burst = 100;
  setting_.own.pause_us = 100;
  const Measured measured = run(setting_);
  ASSERT_TRUE(measured.submitted.burst);
  EXPECT_GT(measured.submitted.burst->total(), 0U);
  EXPECT_EQ(measured.submitted.all % 100, 0U);
}

TEST_P(EachQueue, GoesOnWhenTasksThrow) {
  setting_.own.throw_every = 3;
  const Measured measured = run(setting_);
  EXPECT_GT(measured.thrown, 0U);
  EXPECT_LE(measured.thrown, measured.submitted.all / 3);
  EXPECT_GE(measured.thrown + setting_.own.producers, measured.submitted.all / 3);
}

TEST_P(EachQueue, EndsWhenItIsStopped) {
  setting_.kit.load.duration_s = 600;
  std::atomic<bool> stop{false};
  Recorder recorder(0);
  std::jthread stopper([&] {
    platform::sleep_for(50'000'000, never_stop);
    stop = true;
  });
  const Measured measured = measure(setting_.kit, setting_.own, recorder, stop);
  EXPECT_LT(platform::to_seconds(measured.elapsed_ns), 60);
}

class EachWake : public ::testing::TestWithParam<std::tuple<WakeBy, Consumer, bool>> {};

INSTANTIATE_TEST_SUITE_P(All, EachWake,
                         ::testing::Combine(::testing::Values(WakeBy::kFutex, WakeBy::kEventfd,
                                                              WakeBy::kPipe, WakeBy::kEpoll,
                                                              WakeBy::kCondvar),
                                            ::testing::Values(Consumer::kPark, Consumer::kHybrid),
                                            ::testing::Bool()));

TEST_P(EachWake, WakesTheLoop) {
  Setting setting;
  std::tie(setting.own.wake, setting.own.consumer, setting.own.no_elision) = GetParam();
  setting.kit.load.interval_us = 300;
  const Measured measured = run(setting);
  if (setting.own.no_elision) {
    EXPECT_GE(measured.wakes, measured.submitted.all);
  } else {
    EXPECT_LE(measured.wakes, measured.submitted.all + setting.own.producers);
  }
  if (setting.own.consumer == Consumer::kPark) {
    EXPECT_GT(measured.sleeps, 0U);
  }
}

TEST(Experiment, SpinsWhereItIsTold) {
  Setting setting;
  setting.own.consumer = Consumer::kSpin;
  const Measured measured = run(setting);
  EXPECT_EQ(measured.sleeps, 0U);
  EXPECT_EQ(measured.wakes, 0U);
}

TEST(Experiment, HasNodesFromEverywhere) {
  for (const Nodes nodes : {Nodes::kSlab, Nodes::kMalloc, Nodes::kIntrusive}) {
    Setting setting;
    setting.own.nodes = nodes;
    run(setting);
  }
}

TEST(Experiment, RunsNoMoreThanItsBudgetInATurn) {
  for (const std::size_t budget : {1U, 5U}) {
    Setting setting;
    setting.own.budget = budget;
    setting.own.burst = 20;
    const Measured measured = run(setting);
    EXPECT_LE(measured.turns.most_tasks, budget);
    EXPECT_GE(measured.turns.turns * budget, measured.turns.turn.total());
  }
}

TEST(Experiment, DoesNotMeasureABurstOfTheWarmUpThatEndsAfterIt) {
  Setting setting;
  setting.own.producers = 1;
  setting.own.burst = 3000;
  setting.own.task_ns = 50'000;  // 0.15 s a burst
  const Measured measured = run(setting);
  EXPECT_LE(measured.submitted.measured + 3000, measured.submitted.all);
}

TEST(Experiment, DropsWhatThereIsNoRoomFor) {
  Setting setting;
  setting.own.bound = setting.own.producers;
  setting.own.on_full = OnFull::kDrop;
  setting.own.task_ns = 100'000;
  EXPECT_GT(run(setting).submitted.dropped, 0U);
}

class AStall : public ::testing::Test {
 protected:
  AStall() {
    setting_.kit.load.duration_s = 600;
    setting_.own.watchdog_ms = 300;
    setting_.own.consumer = Consumer::kPark;
  }

  /// What the run ends with.
  std::string reason() const {
    Recorder recorder(0);
    try {
      measure(setting_.kit, setting_.own, recorder, never_stop);
    } catch (const std::runtime_error& error) {
      return error.what();
    }
    return "it ended well";
  }

  Setting setting_;
};

TEST_F(AStall, OfAProducerWithinAPushEndsTheRun) {
  for (const Queue queue : {Queue::kList, Queue::kRing}) {
    setting_.own.queue = queue;
    setting_.own.fault = to_fault("stall-producer@0");
    const std::string said = reason();
    EXPECT_NE(said.find("producer-0 does not come back from a submit"), std::string::npos) << said;
    EXPECT_NE(said.find("and the loop sleeps"), std::string::npos) << said;
  }
}

TEST_F(AStall, OfTheLoopEndsTheRun) {
  for (const OnFull on_full : {OnFull::kBlock, OnFull::kDrop}) {
    setting_.own.on_full = on_full;
    setting_.own.fault = to_fault("stall-loop@0.01");
    const std::string said = reason();
    EXPECT_NE(said.find("the loop does not come back from a task: "), std::string::npos) << said;
  }
}

/// An executor of two producers' tasks, of which some are said to have been handed over.
class AnExecutor : public ::testing::Test {
 protected:
  AnExecutor() { options_.producers = 2; }

  void run(std::uint16_t producer, std::uint64_t number, std::uint64_t seen_number = 0) {
    executor_.run({.number = number,
                   .seen_number = seen_number,
                   .producer = producer,
                   .seen = static_cast<std::uint16_t>(1 - producer)},
                  0);
  }

  Options options_;
  Seats seats_{options_};
  Recorder recorder_{0};
  Executor executor_{options_, seats_, recorder_, never_stop};
};

TEST_F(AnExecutor, FindsTasksThatAreLostOrDoubledOrOutOfOrder) {
  run(0, 0);
  EXPECT_THROW(run(0, 0), std::logic_error);  // doubled
  EXPECT_THROW(run(0, 2), std::logic_error);  // one was lost
  run(0, 1, 0);
  EXPECT_THROW(run(1, 0, 3), std::logic_error);  // two were handed over, not three
  run(1, 0, 2);
  EXPECT_EQ(seats_[0].done(), 2U);
}

TEST(SeatsStall, IsOfTheWakeUpWhereTheLoopSleepsAndNobodySubmits) {
  Options options;
  options.producers = 1;
  Seats seats(options);
  EXPECT_FALSE(seats.progress());
  seats[0].begin(0);
  EXPECT_EQ(seats.progress(), 0U);
  EXPECT_NE(seats.stall(true).find("producer-0 does not come back"), std::string::npos);
  seats[0].end(0, 1);
  EXPECT_EQ(seats.progress(), 0U);
  EXPECT_NE(seats.stall(true).find("a wake-up of the loop was lost: 1 task is"), std::string::npos);
  EXPECT_NE(seats.stall(false).find("the loop does not come back"), std::string::npos);
  seats[0].finish(0);
  EXPECT_FALSE(seats.progress());
}

/// What producers submit while the seats are closed is run, or refused: nothing is lost.
template <class Queue>
void close_while_producers_submit() {
  Setting setting;
  const load::Phases phases{.warm_up = {},
                            .quiet_ns = 0,
                            .measured = {.begin_ns = 1, .end_ns = kForever, .late_ns = kForever}};
  for (int round = 0; round < 10; ++round) {
    Seats seats(setting.own);
    Queue queue(setting.own.producers, setting.own.share());
    threads::Waker waker(WakeBy::kFutex);
    Recorder recorder(0);
    Executor executor(setting.own, seats, recorder, never_stop);
    Turns turns;
    std::deque<Submitted> submitted;
    {
      std::deque<std::jthread> threads;
      for (std::size_t which = 0; which < setting.own.producers; ++which) {
        threads.emplace_back([&, which, &own = submitted.emplace_back(setting.own)] {
          Producer(setting.kit, setting.own, which, QueueHandover<Queue>(queue, which, waker, true),
                   seats, never_stop, own)
              .run(phases);
        });
      }
      threads.emplace_back(
          [&] { EventLoop<Queue>(setting.own, queue, seats, waker, executor, turns).run(); });
      platform::sleep_for(5'000'000 + round * 100'000, never_stop);
      seats.close();
    }
    for (std::size_t which = 0; which < setting.own.producers; ++which) {
      EXPECT_EQ(seats[which].done(), submitted[which].all);
    }
  }
}

TEST(SeatsThatAreClosed, LoseNothing) {
  close_while_producers_submit<queue::MpscList<Task, queue::SlabNodes>>();
  close_while_producers_submit<queue::MpscRing<Task>>();
  close_while_producers_submit<queue::ChunkQueue<Task, queue::Popping::kDetached>>();
  close_while_producers_submit<queue::Lanes<Task>>();
}

std::string conflict_of(Options options, double interval_us = 0) {
  Kit kit;
  kit.load.interval_us = interval_us;
  return conflict(options, kit);
}

TEST(Options, AreCheckedTogether) {
  EXPECT_EQ(conflict_of({}), "");
  EXPECT_EQ(conflict_of({.burst = 10}, 1000),
            "--burst: who waits for its tasks has no schedule: give --prod-interval-us 0 and no "
            "--arrival or --pattern");
  EXPECT_EQ(conflict_of({.producers = 8, .bound = 7}),
            "--bound: '7' is less than one task a producer: give at least 8");
  EXPECT_EQ(conflict_of({.producers = 2, .bound = 10, .burst = 6}),
            "--burst: '6' tasks are more than a producer's share of --bound, and it would wait "
            "within the burst: give at most 5, or --bound 12, or --on-full drop");
  EXPECT_EQ(conflict_of({.fault = to_fault("stall-loop@2")}),
            "--fault: that would be at 2 s, but the run is over after 2 s: give a longer "
            "--duration, or an "
            "earlier time");
  for (const Options& options :
       {Options{.queue = Queue::kRing, .nodes = Nodes::kMalloc},
        Options{.queue = Queue::kDirect, .budget = 1},
        Options{.queue = Queue::kLanes, .order = Order::kGlobal}, Options{.pause_us = 1},
        Options{.consumer = Consumer::kSpin, .no_elision = true}}) {
    EXPECT_FALSE(conflict_of(options).empty());
  }
  EXPECT_FALSE(to_fault("stall-loop"));
  EXPECT_FALSE(to_fault("stall-loop@-1"));
}

}  // namespace
}  // namespace pipelab::ingress
