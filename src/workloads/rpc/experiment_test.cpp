#include "workloads/rpc/experiment.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <memory_resource>
#include <numeric>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <tuple>

#include "platform/clock.hpp"
#include "threads/killer.hpp"
#include "workloads/rpc/stream_link.hpp"

namespace pipelab::rpc {
namespace {

std::atomic<bool> never_stop{false};
constexpr std::size_t kSamples = 100'000;
constexpr Json kJson = PIPELAB_SIMDJSON != 0 ? Json::kSimdjson : Json::kRapidjson;

/// All that a run is told.
struct Setting {
  Setting() {
    kit.load.duration_s = 0.02;
    kit.load.warmup_s = 0.005;
    kit.load.interval_us = 0;
    kit.record.out = ".";
    kit.record.max_samples = kSamples;
    own.parser = kJson;
    own.timeout_ms = 30'000;  // a host that is busy elsewhere makes nobody late
  }

  Kit kit{};
  Options own{};
};

/// Runs it, and looks at what every run must hold.
Measured run(Setting setting) {
  Recorder recorder(setting.kit.record.samples());
  Measured measured = measure(setting.kit, setting.own, recorder, never_stop);
  if (recorder.items() == 0) {  // a host that is busy elsewhere can take all of a quick one
    setting.kit.load.duration_s = 1;
    measured = measure(setting.kit, setting.own, recorder, never_stop);
  }
  const Called& called = measured.called;
  EXPECT_EQ(called.sent, called.settled);
  EXPECT_EQ(called.wrong, 0U);
  EXPECT_GT(called.handshake_ns, 0);
  EXPECT_LE(called.most_pending, setting.own.window);
  EXPECT_GE(measured.threads.size(), 2U);
  if (!setting.own.fault) {
    EXPECT_GT(recorder.items(), 0U);
    EXPECT_EQ(called.timeouts + called.failed + called.late + called.unknown + called.broken, 0U);
    EXPECT_EQ(std::accumulate(called.errors.begin(), called.errors.end(), 0ULL), 0U);
    EXPECT_EQ(measured.served.requests, called.sent + setting.own.connections);  // handshakes
    EXPECT_GE(called.sent_bytes, recorder.items() * setting.own.request_bytes());
    EXPECT_GT(called.reply_bytes, 0U);
  }
  if (setting.kit.load.has_schedule()) {
    const double seconds = setting.kit.load.duration_s;
    const double rate = setting.kit.load.pattern ? setting.kit.load.pattern->rates.front()
                                                 : 1e6 / setting.kit.load.interval_us;
    EXPECT_NEAR(
        static_cast<double>(recorder.items() + called.missed + called.timeouts + called.failed),
        seconds * rate, 1e-6);
  }
  for (const CallTimes& call : recorder.samples()) {
    EXPECT_LE(call.done_ns - call.sent_ns, setting.own.timeout_ns());
    const auto stages_ns = call.stages_ns();
    EXPECT_GE(call.intended_ns, measured.begin_ns);
    EXPECT_GE(std::ranges::min(stages_ns), 0);
    EXPECT_EQ(std::accumulate(stages_ns.begin(), stages_ns.end(), platform::Nanoseconds{0}),
              call.metrics_ns()[1]);
  }
  EXPECT_EQ(recorder.samples().size(), std::min<std::uint64_t>(recorder.items(), kSamples));
  return measured;
}

class EachLink : public ::testing::TestWithParam<std::tuple<Transport, Peer, double>> {};

TEST_P(EachLink, AnswersEveryRequestOnce) {
  Setting setting;
  std::tie(setting.own.transport, setting.own.peer, setting.kit.load.interval_us) = GetParam();
  run(setting);
  setting.own.window = 10;
  setting.own.batch = 4;
  run(setting);
}

INSTANTIATE_TEST_SUITE_P(All, EachLink,
                         ::testing::Combine(::testing::Values(Transport::kRings, Transport::kPipe,
                                                              Transport::kUnix, Transport::kTcp),
                                            ::testing::Values(Peer::kThread, Peer::kProcess),
                                            ::testing::Values(0, 500)));

class EachCrowd
    : public ::testing::TestWithParam<std::tuple<Transport, Peer, double, std::size_t>> {};

TEST_P(EachCrowd, HasItsAnswersOverEachConnection) {
  Setting setting;
  std::size_t batch = 1;
  std::tie(setting.own.transport, setting.own.peer, setting.kit.load.interval_us, batch) =
      GetParam();
  setting.own.connections = 70;  // more than are told of at a time
  setting.own.window = 200;
  setting.own.batch = batch;
  const Measured measured = run(setting);
  EXPECT_GT(measured.called.ended_ns, measured.called.end_ns);
  if (setting.own.transport != Transport::kPipe) {
    EXPECT_GT(measured.called.connect_ns, 0);
  }
}

INSTANTIATE_TEST_SUITE_P(All, EachCrowd,
                         ::testing::Combine(::testing::Values(Transport::kPipe, Transport::kUnix,
                                                              Transport::kTcp),
                                            ::testing::Values(Peer::kThread, Peer::kProcess),
                                            ::testing::Values(0, 100), ::testing::Values(1, 4)));

TEST(Connections, CarryLongMessagesToo) {
  Setting setting;
  setting.own.transport = Transport::kUnix;
  setting.own.connections = 5;
  setting.own.bytes = 300'000;
  run(setting);
}

TEST(Copies, AreAsGood) {
  Setting setting;
  setting.own.copy = Copy::kOnce;
  run(setting);
  setting.own.shape = Shape::kString;
  setting.own.window = 8;
  run(setting);
}

class EachMessage
    : public ::testing::TestWithParam<std::tuple<Shape, Json, Transport, std::size_t>> {};

TEST_P(EachMessage, ComesWhole) {
  Setting setting;
  std::tie(setting.own.shape, setting.own.parser, setting.own.transport, setting.own.batch) =
      GetParam();
  if (PIPELAB_SIMDJSON == 0 && setting.own.parser == Json::kSimdjson) {
    GTEST_SKIP() << "built without simdjson";
  }
  run(setting);
  setting.kit.load.interval_us = 1000;
  setting.own.bytes = 300'000;  // more than a pipe or a socket holds
  setting.own.window = 8;
  setting.own.batch = std::min<std::size_t>(setting.own.batch, 2);
  run(setting);
  setting.kit.load.interval_us = 0;
  run(setting);
}

INSTANTIATE_TEST_SUITE_P(
    All, EachMessage,
    ::testing::Combine(::testing::Values(Shape::kSmall, Shape::kLarge, Shape::kString),
                       ::testing::Values(Json::kSimdjson, Json::kRapidjson, Json::kNone),
                       ::testing::Values(Transport::kRings, Transport::kPipe),
                       ::testing::Values(1, 16)));

class EachWindow
    : public ::testing::TestWithParam<std::tuple<Correlate, std::size_t, Ids, double>> {};

TEST_P(EachWindow, IsNeverExceeded) {
  Setting setting;
  std::tie(setting.own.correlate, setting.own.window, setting.own.ids,
           setting.kit.load.interval_us) = GetParam();
  const Measured measured = run(setting);
  // One of its two phases, which are quiet in between, has sent as many.
  if (!setting.kit.load.has_schedule() && measured.called.sent >= 2 * setting.own.window) {
    EXPECT_EQ(measured.called.most_pending, setting.own.window);
  }
}

INSTANTIATE_TEST_SUITE_P(
    All, EachWindow,
    ::testing::Combine(::testing::Values(Correlate::kSlots, Correlate::kMap, Correlate::kSharded,
                                         PIPELAB_TBB != 0 ? Correlate::kTbb : Correlate::kSlots),
                       ::testing::Values(1, 64, 1024),
                       ::testing::Values(Ids::kNumber, Ids::kString), ::testing::Values(0, 20)));

class EachRingWait : public ::testing::TestWithParam<std::tuple<Wait, std::size_t>> {};

TEST_P(EachRingWait, LosesNoWakeUp) {
  Setting setting;
  std::tie(setting.own.wait, setting.own.window) = GetParam();
  run(setting);
  setting.kit.load.interval_us = 200;
  run(setting);
}

INSTANTIATE_TEST_SUITE_P(All, EachRingWait,
                         ::testing::Combine(::testing::Values(Wait::kYield, Wait::kFutex,
                                                              Wait::kHybrid, Wait::kAdaptive),
                                            ::testing::Values(1, 64)));

TEST(Pools, CountWhatComesBack) {
  Setting setting;
  setting.own.window = 16;
  const Measured measured = run(setting);
  const Tally& requests = measured.called.tally;
  EXPECT_EQ(requests.buffers, requests.hits + requests.most_out);
  EXPECT_GE(requests.most_out, 16U);
  EXPECT_LE(requests.most_out, setting.own.messages());
  for (const Pool heap : {Pool::kMalloc, Pool::kMimalloc}) {
    setting.own.pool = heap;
    if (PIPELAB_MIMALLOC != 0 || heap == Pool::kMalloc) {
      EXPECT_EQ(run(setting).called.tally.hits, 0U);
    }
  }
  // The stack gives the one that was read last: there are never more out than are on their way.
  setting.own.pool = Pool::kSharedStack;
  for (const Peer peer : {Peer::kThread, Peer::kProcess}) {
    setting.own.peer = peer;
    const Tally stack = run(setting).called.tally;
    EXPECT_EQ(stack.buffers, stack.hits + stack.most_out);
    EXPECT_LE(stack.most_out, setting.own.messages());
  }
}

TEST(Patterns, AreSentOpenLoop) {
  Setting setting;
  setting.kit.load.interval_us = load::Options{}.interval_us;
  setting.kit.load.pattern = load::to_pattern("constant:2k");
  run(setting);
}

/// A run in which every so manyth request goes wrong.
Measured run_with(const char* fault, std::size_t timeout_ms = 1000, std::size_t batch = 1) {
  Setting setting;
  setting.own.fault = to_fault(fault);
  setting.own.timeout_ms = timeout_ms;
  setting.own.batch = batch;
  setting.kit.load.interval_us = 100;
  return run(setting);
}

TEST(Faults, OfAClientAreAnsweredWithTheProtocolsErrors) {
  for (const std::size_t batch : std::array<std::size_t, 2>{1, 4}) {
    int place = 0;
    for (const char* fault : {"parse:7", "invalid:7", "method:7", "params:7"}) {
      const Called called = run_with(fault, 1000, batch).called;
      for (int each = 0; each < 4; ++each) {
        EXPECT_EQ(called.errors.at(static_cast<std::size_t>(each)),
                  each == place ? called.sent / 7 : 0)
            << fault;
      }
      EXPECT_EQ(called.timeouts + called.failed + called.late + called.broken, 0U) << fault;
      ++place;
    }
  }
}

TEST(Faults, OfAServerAreCountedByWhatTheyAre) {
  for (const std::size_t batch : std::array<std::size_t, 2>{1, 4}) {
    const Called twice = run_with("twice:5", 1000, batch).called;
    EXPECT_EQ(twice.late, twice.sent / 5);
    EXPECT_EQ(twice.timeouts + twice.unknown, 0U);
    const Called unknown = run_with("unknown:5", 1000, batch).called;
    EXPECT_EQ(unknown.unknown, unknown.sent / 5);
    EXPECT_EQ(unknown.timeouts + unknown.late, 0U);
    const Called dropped = run_with("drop:5", 1000, batch).called;
    EXPECT_GT(dropped.timeouts, 0U);
    EXPECT_EQ(dropped.late + dropped.unknown, 0U);
  }
  const Called late = run_with("late:40", 20).called;
  EXPECT_GT(late.timeouts, 0U);
  EXPECT_GE(late.late, 1U);
}

class EachRestart
    : public ::testing::TestWithParam<std::tuple<Transport, double, std::size_t, Correlate>> {};

TEST_P(EachRestart, LosesOnlyWhatWasOpen) {
  Setting setting;
  setting.own.peer = Peer::kProcess;
  setting.own.fault = to_fault("kill-server@0.01");
  std::tie(setting.own.transport, setting.kit.load.interval_us, setting.own.connections,
           setting.own.correlate) = GetParam();
  setting.kit.load.duration_s = 0.1;
  setting.own.batch = 2;
  Recorder recorder(kSamples);
  const Measured measured = measure(setting.kit, setting.own, recorder, never_stop);
  const Called& called = measured.called;
  EXPECT_EQ(called.sent, called.settled);
  EXPECT_EQ(called.reconnects, 1U);
  EXPECT_GT(called.reconnect_ns, 0);
  EXPECT_EQ(called.wrong + called.late + called.unknown + called.broken + called.failed, 0U);
  EXPECT_GT(called.lost, 0U);  // the one, at least, with which it died
  EXPECT_LE(called.lost, 2 * setting.own.window);
  EXPECT_GT(measured.served.requests, setting.own.connections);  // of the second
  if (setting.kit.load.has_schedule()) {
    EXPECT_EQ(recorder.items() + called.missed + called.timeouts + called.lost, 1000U);
  }
}

INSTANTIATE_TEST_SUITE_P(All, EachRestart,
                         ::testing::Combine(::testing::Values(Transport::kUnix, Transport::kTcp),
                                            ::testing::Values(0, 100), ::testing::Values(1, 8),
                                            ::testing::Values(Correlate::kSlots,
                                                              Correlate::kSharded)));

/// A link of which these tests have the server's side themselves.
class APeer : public ::testing::Test {
 protected:
  APeer() : link_(options_, *std::pmr::new_delete_resource()) {
    link_.open(Side::kClient);
    link_.open(Side::kServer);
  }

  static Options streams() {
    Options options;
    options.transport = Transport::kUnix;
    return options;
  }

  /// What the client's side says when it has read all that the peer sent.
  std::string read_all() {
    StreamLink::In in(link_, Side::kClient, gone_);
    frames_ = 0;
    try {
      while (true) {
        frames_ += in.receive(platform::kNanosecondsPerSecond).is_there() ? 1 : 0;
      }
    } catch (const PeerGone& gone) {
      return gone.what();
    }
  }

  /// Sends `bytes` as a message that says to have `length`.
  void send(std::uint32_t length, std::string_view bytes) {
    StreamLink::Out out(link_, Side::kServer, gone_);
    char* const buffer = out.begin(0);
    std::ranges::copy(bytes, buffer);
    out.send(buffer, bytes.size());
    std::memcpy(buffer - sizeof length, &length, sizeof length);
    EXPECT_TRUE(out.flush());
  }

  const Options options_ = streams();
  std::atomic<bool> gone_{false};
  StreamLink link_;
  int frames_{0};
};

TEST_F(APeer, ThatClosesIsSeen) {
  send(2, "{}");
  link_.shut(Side::kServer);
  EXPECT_EQ(read_all(), "the other side has closed the connection");
  EXPECT_EQ(frames_, 1);
}

TEST_F(APeer, ThatClosesInTheMiddleOfAMessageIsSeen) {
  send(2, "{}");
  send(100, R"({"jsonrpc")");
  link_.shut(Side::kServer);
  EXPECT_EQ(read_all(), "the other side closed in the middle of a message");
  EXPECT_EQ(frames_, 1);
}

TEST_F(APeer, ThatSendsMoreThanAMessageCanHaveIsRefused) {
  send(2, "{}");
  send(100'000, "{}");
  EXPECT_NE(read_all().find("a message of 100000 bytes"), std::string::npos);
  EXPECT_EQ(frames_, 1);
}

TEST(Rpc, EndsWhereItsServerDiesAtItsEnd) {
  for (const char* const at : {"0.04", "0.049", "0.0495", "0.0499"}) {
    for (const double interval_us : {0.0, 100.0, 20'000.0}) {
      Setting setting;
      setting.own.peer = Peer::kProcess;
      setting.own.transport = Transport::kUnix;
      setting.own.fault = to_fault(fmt::format("kill-server@{}", at));
      setting.kit.load.duration_s = 0.05;
      setting.kit.load.interval_us = interval_us;
      Recorder recorder(0);
      const Measured measured = measure(setting.kit, setting.own, recorder, never_stop);
      EXPECT_EQ(measured.called.sent, measured.called.settled);
    }
  }
}

TEST(Rpc, EndsWhenItIsStoppedWhileItsServerWorks) {
  for (const Transport transport : {Transport::kRings, Transport::kUnix}) {
    Setting setting;
    setting.own.transport = transport;
    setting.own.work_ns = 1'000'000'000;
    setting.kit.load.duration_s = 600;
    setting.kit.load.warmup_s = 0;
    std::atomic<bool> stop{false};
    Recorder recorder(0);
    const std::jthread stopper([&] {
      platform::sleep_for(1'200'000'000, never_stop);  // hands are shaken for a second
      stop = true;
    });
    const Measured measured = measure(setting.kit, setting.own, recorder, stop);
    EXPECT_LT(platform::to_seconds(measured.elapsed_ns), 20);
    EXPECT_EQ(measured.served.requests, 1U);  // the handshake: no reply is of less work
  }
}

TEST(Rpc, EndsWhereItsServerDies) {
  for (const Transport transport : {Transport::kRings, Transport::kPipe, Transport::kTcp}) {
    for (const double interval_us : {0.0, 100.0}) {
      Setting setting;
      setting.own.peer = Peer::kProcess;
      setting.own.transport = transport;
      setting.kit.load.duration_s = 600;
      setting.kit.load.interval_us = interval_us;
      Recorder recorder(0);
      std::atomic<bool> stop{false};
      const platform::Nanoseconds begin_ns = platform::now_ns();
      const pid_t killer = threads::fork_killer();
      EXPECT_THROW(measure(setting.kit, setting.own, recorder, stop), std::runtime_error);
      waitpid(killer, nullptr, 0);
      EXPECT_LT(platform::to_seconds(platform::now_ns() - begin_ns), 60);
    }
  }
}

}  // namespace
}  // namespace pipelab::rpc
