#include "workloads/feed/experiment.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>

namespace pipelab::feed {
namespace {

std::atomic<bool> never_stop{false};
constexpr std::size_t kSamples = 10'000;

/// All that a run is told.
struct Setting {
  Setting() {
    kit.load.duration_s = 0.05;
    kit.load.warmup_s = 0.005;
    kit.load.interval_us = 100;
    kit.record.out = ".";
    kit.record.max_samples = kSamples;
    own.clients = 4;
  }

  void fault(std::string_view text) { own.fault = to_fault(text); }
  std::string refused() const { return conflict(own, kit); }

  Kit kit{};
  Options own{};
};

/// Runs it, and looks at what every run must hold.
Measured run(const Setting& setting) {
  Recorder recorder(setting.kit.record.samples());
  Measured measured = measure(setting.kit, setting.own, recorder, never_stop);
  const Served& served = measured.served;
  const Received& received = measured.received;
  EXPECT_GT(recorder.items(), 0U);
  EXPECT_EQ(received.unaccounted, 0U);
  EXPECT_EQ(received.repeated + received.unknown_symbols, 0U);
  EXPECT_GE(measured.threads.size(), 1 + setting.own.client_loops);
  if (!setting.own.reconnects()) {
    // Each message came to each client, or is known to be missing there.
    EXPECT_EQ(received.messages + received.missing, setting.own.clients * served.messages);
    EXPECT_EQ(received.not_ended, 0U);
  }
  if (!setting.own.fault) {
    EXPECT_EQ(received.missing, 0U);
    EXPECT_EQ(recorder.items(), setting.own.clients * served.measured);
    EXPECT_EQ(served.bytes, (received.messages + 2 * setting.own.clients) * frame::kBytes);
  }
  if (setting.kit.load.has_schedule()) {
    EXPECT_NEAR(static_cast<double>(served.measured + served.missed),
                setting.kit.load.duration_s * 1e6 / setting.kit.load.interval_us, 1e-6);
  }
  for (const DeliveryTimes& times : recorder.samples()) {
    const auto stages_ns = times.stages_ns();
    EXPECT_GE(times.intended_ns, measured.begin_ns);
    EXPECT_GE(std::ranges::min(stages_ns), 0);
    EXPECT_EQ(std::accumulate(stages_ns.begin(), stages_ns.end(), platform::Nanoseconds{0}),
              times.metrics_ns()[1]);
  }
  return measured;
}

class EachWire : public ::testing::TestWithParam<std::tuple<Transport, double, std::string>> {};

TEST_P(EachWire, BringsEachMessageToEachClient) {
  Setting setting;
  std::string batch;
  std::tie(setting.own.transport, setting.kit.load.interval_us, batch) = GetParam();
  setting.own.batch = *to_batch(batch);
  run(setting);
  setting.own.client_loops = 2;
  setting.own.clients = 5;
  setting.own.cache = Guard::kMutex;
  run(setting);
}

INSTANTIATE_TEST_SUITE_P(
    All, EachWire,
    ::testing::Combine(::testing::Values(Transport::kUnix, Transport::kTcp, Transport::kShm),
                       ::testing::Values(0, 100), ::testing::Values("now", "due", "7", "300us")));

TEST(FeedExperiment, KnowsEachWayToWait) {
  for (const Io io : {Io::kEpollEdge, Io::kEpollLevel, Io::kSpin}) {
    Setting setting;
    setting.own.io = io;
    setting.own.cache = Guard::kSharedMutex;
    run(setting);
  }
  for (const Wait wait : {Wait::kSpin, Wait::kYield, Wait::kFutex, Wait::kHybrid}) {
    Setting setting;
    setting.own.transport = Transport::kShm;
    setting.own.wait = wait;
    run(setting);
  }
}

TEST(FeedExperiment, HasManyClientsAndSymbols) {
  Setting setting;
  setting.own.clients = 100;
  setting.own.symbols = 1'000;
  setting.own.checksum = Checksum::kNone;
  setting.kit.load.interval_us = 1'000;
  run(setting);
}

TEST(FeedExperiment, ShowsWholeEntries) {
  for (const Guard guard : {Guard::kSeqlock, Guard::kMutex, Guard::kSharedMutex}) {
    Setting setting;
    setting.own.cache = guard;
    setting.own.display_ms = 1;
    const Measured measured = run(setting);
    ASSERT_TRUE(measured.displayed);
    EXPECT_EQ(measured.displayed->torn, 0U);
    EXPECT_GT(measured.displayed->read.total(), 0U);
    EXPECT_GT(measured.displayed->staleness.total(), 0U);
  }
}

class EachSpoilt : public ::testing::TestWithParam<std::pair<const char*, Transport>> {};

TEST_P(EachSpoilt, IsCountedAsWhatItIs) {
  Setting setting;
  setting.fault(std::string(GetParam().first) + ":10");
  setting.own.transport = GetParam().second;
  const Measured measured = run(setting);
  const Received& received = measured.received;
  const std::uint64_t wrong = measured.served.messages / 10 * setting.own.clients;
  EXPECT_EQ(received.missing, wrong);
  EXPECT_EQ(received.gaps, wrong);
  const std::string_view what = GetParam().first;
  EXPECT_EQ(received.damage.bad_checksum, what == "corrupt" ? wrong : 0);
  EXPECT_EQ(received.damage.bad_length, what == "length" ? wrong : 0);
  EXPECT_EQ(received.damage.bad_type, what == "type" ? wrong : 0);
  EXPECT_EQ(received.damage.skipped_bytes, what == "gap" ? 0 : wrong * frame::kBytes);
}

INSTANTIATE_TEST_SUITE_P(All, EachSpoilt,
                         ::testing::Values(std::pair{"gap", Transport::kUnix},
                                           std::pair{"corrupt", Transport::kTcp},
                                           std::pair{"length", Transport::kShm},
                                           std::pair{"type", Transport::kUnix}));

class EachPolicy : public ::testing::TestWithParam<std::tuple<SlowPolicy, Transport>> {};

TEST_P(EachPolicy, CountsWhatASlowClientDoesNotGet) {
  Setting setting;
  std::tie(setting.own.slow_policy, setting.own.transport) = GetParam();
  setting.kit.load.duration_s = 0.2;
  setting.kit.load.interval_us = 10;
  setting.own.out_limit = 4'096;
  setting.fault("stuck@0.02");
  const Measured measured = run(setting);
  const Received& received = measured.received;
  const Served& served = measured.served;
  // A stuck client takes as much as the kernel or the ring holds.
  switch (setting.own.slow_policy) {
    case SlowPolicy::kWait:
      EXPECT_EQ(received.missing, 0U);
      break;
    case SlowPolicy::kDrop:
      EXPECT_GT(served.dropped, 0U);
      EXPECT_EQ(received.missing, served.dropped);
      break;
    case SlowPolicy::kConflate:
      EXPECT_GT(served.conflated, 0U);
      EXPECT_EQ(received.missing, served.conflated);
      break;
    case SlowPolicy::kDisconnect:
      EXPECT_GE(served.disconnects, 1U);
      EXPECT_GE(received.reconnects + received.not_ended, 1U);
      EXPECT_EQ(received.snapshot > 0, received.reconnects > 0);
      break;
  }
}

INSTANTIATE_TEST_SUITE_P(Unix, EachPolicy,
                         ::testing::Combine(::testing::Values(SlowPolicy::kWait, SlowPolicy::kDrop,
                                                              SlowPolicy::kConflate,
                                                              SlowPolicy::kDisconnect),
                                            ::testing::Values(Transport::kUnix)));
INSTANTIATE_TEST_SUITE_P(Shm, EachPolicy,
                         ::testing::Combine(::testing::Values(SlowPolicy::kWait, SlowPolicy::kDrop,
                                                              SlowPolicy::kConflate),
                                            ::testing::Values(Transport::kShm)));

TEST(FeedExperiment, GoesOnWithAnotherServer) {
  for (const Transport transport : {Transport::kUnix, Transport::kTcp}) {
    Setting setting;
    setting.own.transport = transport;
    setting.own.back_off_ms = 2;
    setting.kit.load.duration_s = 0.3;
    setting.fault("kill-server@0.1");
    const Measured measured = run(setting);
    EXPECT_EQ(measured.received.reconnects, 4U);
    EXPECT_EQ(measured.received.not_ended, 0U);
    EXPECT_GT(measured.received.snapshot, 0U);
    EXPECT_GE(measured.received.away_ns, measured.received.back_off_ns);
  }
}

TEST(FeedConflicts, AreSaidInALine) {
  const auto refused = [](const auto& change) {
    Setting setting;
    change(setting);
    return setting.refused();
  };
  EXPECT_EQ(refused([](Setting& /*all*/) {}), "");
  const auto begins = [&](std::string_view option, const auto& change) {
    EXPECT_TRUE(refused(change).starts_with(option)) << refused(change);
  };
  begins("--client-loops", [](Setting& all) { all.own.client_loops = 5; });
  begins("--io", [](Setting& all) {
    all.own.io = Io::kSpin;
    all.own.transport = Transport::kShm;
  });
  begins("--wait", [](Setting& all) { all.own.wait = Wait::kSpin; });
  begins("--slow-policy", [](Setting& all) {
    all.own.slow_policy = SlowPolicy::kDisconnect;
    all.own.transport = Transport::kShm;
  });
  begins("--fault", [](Setting& all) {
    all.fault("kill-server@0");
    all.own.transport = Transport::kShm;
  });
  begins("--fault", [](Setting& all) { all.fault("kill-server@1"); });
  begins("--fault", [](Setting& all) {
    all.fault("stuck@0");
    all.own.clients = 1;
  });
  begins("--fault", [](Setting& all) {
    all.fault("corrupt:5");
    all.own.slow_policy = SlowPolicy::kConflate;
  });
  begins("--back-off-ms", [](Setting& all) { all.own.back_off_ms = 5; });
  begins("--batch", [](Setting& all) {
    all.own.batch = *to_batch("5us");
    all.kit.load.pacing = load::Pacing::kSpin;
  });
}

}  // namespace
}  // namespace pipelab::feed
