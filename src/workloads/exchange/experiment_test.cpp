#include "workloads/exchange/experiment.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <fstream>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <tuple>

#include "platform/clock.hpp"
#include "threads/killer.hpp"
#include "workloads/exchange/go_responder.hpp"

namespace pipelab::exchange {
namespace {

std::atomic<bool> never_stop{false};
constexpr std::size_t kSamples = 100'000;

/// All that a run is told.
struct Setting {
  Setting() {
    kit.load.duration_s = 0.02;
    kit.load.warmup_s = 0.005;
    kit.load.interval_us = 0;
    kit.record.out = ".";
    kit.record.max_samples = kSamples;
  }

  Kit kit{};
  Options own{};
};

/// Looks at the stages of the calls that were kept.
void look_at(const Recorder& recorder, const Measured& measured) {
  EXPECT_FALSE(recorder.samples().empty());
  for (const CallTimes& call : recorder.samples()) {
    const auto stages_ns = call.stages_ns();
    EXPECT_GE(call.intended_ns, measured.begin_ns);
    EXPECT_GE(std::ranges::min(stages_ns), 0);
    EXPECT_EQ(stages_ns[0] + stages_ns[1] + stages_ns[2] + stages_ns[3], call.metrics_ns()[1]);
  }
}

/// Runs it, and looks at what every run must hold.
Measured run(Setting setting) {
  Recorder recorder(0);
  Measured measured = measure(setting.kit, setting.own, recorder, never_stop);
  if (recorder.items() == 0) {  // a host that is busy elsewhere can take all of a quick one
    setting.kit.load.duration_s = 1;
    measured = measure(setting.kit, setting.own, recorder, never_stop);
  }
  const std::uint64_t within =
      setting.own.callback == Callback::kNone ? 0 : setting.own.depth;  // each call
  EXPECT_GT(recorder.items(), 0U);
  EXPECT_EQ(measured.account.calls, measured.account.answers);
  EXPECT_EQ(measured.account.calls % (1 + within), 0U);
  EXPECT_GE(measured.account.calls, recorder.items() * (1 + within));
  EXPECT_EQ(measured.account.tally.late_finds, 0U);
  EXPECT_EQ(measured.calls.size(), setting.own.pairs);
  look_at(recorder, measured);
  return measured;
}

class EachTransport : public ::testing::TestWithParam<std::tuple<Transport, Responder, double>> {};

TEST_P(EachTransport, AnswersEveryCallOnce) {
  Setting setting;
  std::tie(setting.own.transport, setting.own.responder, setting.kit.load.interval_us) = GetParam();
  setting.own.pairs = 2;
  const Measured measured = run(setting);
  ASSERT_EQ(measured.threads.size(), 4U);
  EXPECT_EQ(std::ranges::count(measured.threads, "responder", &threads::Record::role), 2);
  if (setting.kit.load.interval_us > 0) {
    EXPECT_EQ(measured.calls[0] + measured.calls[1] + measured.missed, 40U);
  }
}

INSTANTIATE_TEST_SUITE_P(
    All, EachTransport,
    ::testing::Combine(::testing::Values(Transport::kSlot, Transport::kQueues, Transport::kFutex,
                                         Transport::kEventfd, Transport::kPipe, Transport::kUnix,
                                         Transport::kTcp),
                       ::testing::Values(Responder::kProcess, Responder::kThread),
                       ::testing::Values(0, 500)));

class EachLayout : public ::testing::TestWithParam<std::tuple<Layout, std::size_t, bool>> {};

TEST_P(EachLayout, BringsPayloadsOfAllLengthsWhole) {
  Setting setting;
  std::tie(setting.own.layout, setting.own.payload_bytes, setting.own.zero_copy) = GetParam();
  run(setting);
}

INSTANTIATE_TEST_SUITE_P(
    All, EachLayout,
    ::testing::Combine(::testing::Values(Layout::kLines, Layout::kSplit, Layout::kClaimed),
                       ::testing::Values(8, 56, 64, 120, 4088), ::testing::Bool()));

class EachWait : public ::testing::TestWithParam<std::tuple<Wait, Transport, std::size_t>> {};

TEST_P(EachWait, LosesNoWakeUp) {
  Setting setting;
  std::tie(setting.own.wait, setting.own.transport, setting.own.pairs) = GetParam();
  run(setting);
}

INSTANTIATE_TEST_SUITE_P(All, EachWait,
                         ::testing::Combine(::testing::Values(Wait::kYield, Wait::kFutex,
                                                              Wait::kHybrid, Wait::kAdaptive,
                                                              Wait::kCounted, Wait::kLongSpin),
                                            ::testing::Values(Transport::kSlot, Transport::kQueues),
                                            ::testing::Values(1, 6)));

class EachCallback
    : public ::testing::TestWithParam<std::tuple<Callback, std::size_t, Transport, Responder>> {};

TEST_P(EachCallback, MakesEveryCallWithinEveryCall) {
  Setting setting;
  std::tie(setting.own.callback, setting.own.depth, setting.own.transport, setting.own.responder) =
      GetParam();
  const Measured measured = run(setting);
  const std::size_t listeners = setting.own.callback == Callback::kListener ? setting.own.depth : 0;
  EXPECT_EQ(std::ranges::count(measured.threads, "listener", &threads::Record::role), listeners);
}

INSTANTIATE_TEST_SUITE_P(
    All, EachCallback,
    ::testing::Combine(::testing::Values(Callback::kReentrant, Callback::kListener),
                       ::testing::Values(1, 2, kMostDepth),
                       ::testing::Values(Transport::kSlot, Transport::kQueues, Transport::kPipe),
                       ::testing::Values(Responder::kProcess, Responder::kThread)));

class AGoResponder
    : public ::testing::TestWithParam<std::tuple<Wait, Layout, std::size_t, Callback>> {};

TEST_P(AGoResponder, AnswersEveryCallOnce) {
  try {
    go_program();
  } catch (const std::runtime_error& error) {
    GTEST_SKIP() << error.what();
  }
  Setting setting;
  std::tie(setting.own.wait, setting.own.layout, setting.own.payload_bytes, setting.own.callback) =
      GetParam();
  setting.own.responder = Responder::kGo;
  setting.own.zero_copy = setting.own.payload_bytes > 64;
  setting.own.pairs = 2;
  const Measured measured = run(setting);
  EXPECT_EQ(std::ranges::count(measured.threads, "responder", &threads::Record::role), 2);
  EXPECT_TRUE(
      std::ranges::all_of(measured.threads, [](const auto& each) { return each.cpu.has_value(); }));
}

INSTANTIATE_TEST_SUITE_P(
    All, AGoResponder,
    ::testing::Combine(::testing::Values(Wait::kYield, Wait::kFutex, Wait::kAdaptive),
                       ::testing::Values(Layout::kLines, Layout::kSplit),
                       ::testing::Values(8, 64, 4088),
                       ::testing::Values(Callback::kNone, Callback::kReentrant)));

class ADeadResponder : public ::testing::TestWithParam<std::tuple<Transport, std::optional<Wait>>> {
};

TEST_P(ADeadResponder, IsNotWaitedFor) {
  Setting setting;
  std::tie(setting.own.transport, setting.own.wait) = GetParam();
  setting.kit.load.duration_s = 600;
  setting.own.pairs = 3;
  std::atomic<bool> stop{false};
  Recorder recorder(0);
  const platform::Nanoseconds begin_ns = platform::now_ns();
  const pid_t killer = threads::fork_killer();
  try {
    measure(setting.kit, setting.own, recorder, stop);
    ADD_FAILURE() << "it ended well";
  } catch (const std::runtime_error& error) {
    EXPECT_NE(std::string(error.what()).find("ended before its time"), std::string::npos)
        << error.what();
  }
  waitpid(killer, nullptr, 0);
  EXPECT_LT(platform::to_seconds(platform::now_ns() - begin_ns), 60);
}

INSTANTIATE_TEST_SUITE_P(All, ADeadResponder,
                         ::testing::Values(std::tuple{Transport::kSlot, Wait::kSpin},
                                           std::tuple{Transport::kSlot, Wait::kFutex},
                                           std::tuple{Transport::kQueues, Wait::kAdaptive},
                                           std::tuple{Transport::kFutex, std::nullopt},
                                           std::tuple{Transport::kEventfd, std::nullopt},
                                           std::tuple{Transport::kPipe, std::nullopt},
                                           std::tuple{Transport::kUnix, std::nullopt},
                                           std::tuple{Transport::kTcp, std::nullopt}));

/// A run in which something is done to the responders, and which goes on with others.
class AFault : public ::testing::Test {
 protected:
  AFault() {
    setting_.kit.load.duration_s = 0.3;
    setting_.kit.load.interval_us = 200;
    setting_.own.fault = to_fault("kill-responder@0.1");
    setting_.own.lease_ms = 10'000;  // whatever else the host does
    setting_.own.pairs = 2;
  }

  /// All calls of the schedule are answered, but for those that failed.
  Measured run_it() {
    Recorder recorder(0);
    Measured measured = measure(setting_.kit, setting_.own, recorder, never_stop);
    failed_ = measured.failed[0] + measured.failed[1] + measured.failed[2];
    EXPECT_EQ(recorder.items() + measured.missed + failed_, 1500U);
    look_at(recorder, measured);
    EXPECT_EQ(measured.account.calls, measured.account.replies + failed_ + measured.failed_before);
    return measured;
  }

  Setting setting_;
  std::uint64_t failed_{0};
};

TEST_F(AFault, OfADeadResponderIsNoticedAtOnce) {
  for (const Layout layout : {Layout::kLines, Layout::kSplit, Layout::kClaimed}) {
    for (const Wait wait : {Wait::kAdaptive, Wait::kFutex, Wait::kYield}) {
      setting_.own.layout = layout;
      setting_.own.wait = wait;
      const Measured measured = run_it();
      EXPECT_EQ(measured.failed[0], failed_);
      EXPECT_LE(failed_, 2U);
      EXPECT_EQ(std::ranges::count(measured.threads, "responder", &threads::Record::role), 2);
    }
  }
}

TEST_F(AFault, OfAStoppedOrSlowResponderEndsWithTheLease) {
  setting_.own.lease_ms = 50;
  for (const char* fault : {"stop-responder@0.05", "slow@0.05"}) {
    setting_.own.fault = to_fault(fault);
    const Measured measured = run_it();
    EXPECT_GE(measured.failed[1], 1U) << fault;
    EXPECT_GE(measured.notice_ns.value_or(0), 50'000'000) << fault;
  }
  EXPECT_GE(run_it().account.refused, 1U);  // slow: the answer came, late
}

TEST_F(AFault, OfAScribblerIsSeen) {
  setting_.kit.load.interval_us = 0;  // so that there is always a call
  setting_.own.fault = to_fault("scribble@0.05");
  Recorder recorder(0);
  const Measured measured = measure(setting_.kit, setting_.own, recorder, never_stop);
  EXPECT_GE(measured.failed[0] + measured.failed[2], 1U);
}

class ADeath : public AFault, public ::testing::WithParamInterface<std::tuple<Mark, int>> {};

TEST_P(ADeath, InEachStateLosesNoCallAndDoublesNone) {
  setting_.own.pairs = 1;
  setting_.own.fault = to_fault("kill-responder@86400");
  const auto [where, when] = GetParam();
  setting_.own.at_mark = [where = where, left = when](Mark mark) mutable {
    std::array<char, 16> name{};
    pthread_getname_np(pthread_self(), name.data(), name.size());
    const bool first = std::string_view(name.data()) == "responder-0";  // not who takes its place
    if (mark == where && first && --left == 0) {
      std::raise(SIGKILL);
    }
  };
  setting_.kit.load.duration_s = 0.1;
  setting_.kit.load.interval_us = 1000;
  setting_.kit.load.warmup_s = 0;
  Recorder recorder(0);
  const Measured measured = measure(setting_.kit, setting_.own, recorder, never_stop);
  const std::uint64_t failed = measured.failed[0];
  EXPECT_EQ(measured.account.calls, measured.account.replies + failed);
  EXPECT_EQ(recorder.items() + failed + measured.missed, 100U);
  // What was not handed over fails, once. After it the caller may have had its answer already, and
  // the next call fails, or finds that nobody is there.
  if (where == Mark::kTaken || where == Mark::kRead || where == Mark::kWritten) {
    EXPECT_EQ(failed, 1U);
  } else {
    EXPECT_LE(failed, 1U);
  }
}

INSTANTIATE_TEST_SUITE_P(All, ADeath,
                         ::testing::Combine(::testing::Values(Mark::kWaiting, Mark::kTaken,
                                                              Mark::kRead, Mark::kWritten,
                                                              Mark::kSaid),
                                            ::testing::Values(1, 30)));

}  // namespace
}  // namespace pipelab::exchange
