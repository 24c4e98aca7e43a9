#include "command_line.hpp"

#include <gtest/gtest.h>

#include <array>
#include <string>
#include <vector>

#include "workloads/pipeline/pipeline.hpp"

namespace pipelab {
namespace {

using channel::OnFull;
using channel::Queue;
using channel::Wait;
using load::Arrival;
using load::Pacing;

Parsed parse_words(std::vector<const char*> words) {
  words.insert(words.begin(), "pipelab");
  constexpr std::array kWorkloads{Entry{"pipeline", pipeline::make}};
  return parse(static_cast<int>(words.size()), words.data(), kWorkloads);
}

const pipeline::Options& own(const Parsed& parsed) {
  return dynamic_cast<const WorkloadOf<pipeline::Options>&>(*parsed.workload).options();
}

TEST(CommandLine, HasTheDocumentedDefaults) {
  const Parsed parsed = parse_words({});
  ASSERT_TRUE(parsed.workload);
  EXPECT_EQ(parsed.kit.load.duration_s, 2.0);
  EXPECT_EQ(parsed.kit.load.interval_us, 1000);
  EXPECT_EQ(own(parsed).channel.queue_cap, 64U);
  EXPECT_EQ(own(parsed).channel.queue, Queue::kSpsc);
  EXPECT_EQ(own(parsed).channel.on_full, OnFull::kDrop);
  EXPECT_EQ(parsed.kit.load.pacing, Pacing::kDeadline);
  EXPECT_EQ(own(parsed).channel.wait, Wait::kFutex);
  EXPECT_FALSE(own(parsed).consumer.pin);
}

TEST(CommandLine, ReadsAllOptions) {
  const Parsed parsed = parse_words({"--duration",
                                     "0.5",
                                     "--prod-interval-us",
                                     "0",
                                     "--queue-cap",
                                     "8",
                                     "--pin-consumer",
                                     "0",
                                     "--work-bytes",
                                     "4096",
                                     "--queue",
                                     "mutex",
                                     "--on-full",
                                     "block",
                                     "--pacing",
                                     "sleep",
                                     "--wait",
                                     "hybrid",
                                     "--warmup",
                                     "0",
                                     "--seed",
                                     "18446744073709551615",
                                     "--stats",
                                     "s.csv"});
  ASSERT_TRUE(parsed.workload);
  EXPECT_EQ(parsed.kit.load.duration_s, 0.5);
  EXPECT_EQ(parsed.kit.load.interval_us, 0);
  EXPECT_EQ(own(parsed).channel.queue_cap, 8U);
  EXPECT_EQ(own(parsed).consumer.pin, 0);
  EXPECT_EQ(own(parsed).work_bytes, 4096U);
  EXPECT_EQ(own(parsed).channel.queue, Queue::kMutex);
  EXPECT_EQ(own(parsed).channel.on_full, OnFull::kBlock);
  EXPECT_EQ(parsed.kit.load.pacing, Pacing::kSleep);
  EXPECT_EQ(own(parsed).channel.wait, Wait::kHybrid);
  EXPECT_EQ(parsed.kit.load.warmup_s, 0.0);
  EXPECT_EQ(parsed.kit.load.seed, UINT64_MAX);
  EXPECT_EQ(parsed.kit.record.path(record::File::kStats), "s.csv");
  EXPECT_EQ(parsed.kit.record.path(record::File::kThreads), "");
  EXPECT_EQ(parsed.kit.record.samples(), 0U);
}

TEST(CommandLine, ReadsOptionsOfLoadAndThreads) {
  const Parsed parsed = parse_words({"--prod-interval-us",
                                     "024.390",
                                     "--arrival",
                                     "burst:8,250",
                                     "--sched",
                                     "deadline:100,200,400",
                                     "--item-bytes",
                                     "64",
                                     "--zero-copy",
                                     "--batch",
                                     "4",
                                     "--timer-slack-ns",
                                     "1000",
                                     "--mlock",
                                     "--sample-every",
                                     "10",
                                     "--pacing",
                                     "spin",
                                     "--numa-node",
                                     "0"});
  ASSERT_TRUE(parsed.workload);
  EXPECT_EQ(parsed.kit.load.interval_us, 24.39);  // not octal
  EXPECT_EQ(parsed.kit.load.arrival.pattern, Arrival::Pattern::kBurst);
  EXPECT_EQ(parsed.kit.load.arrival.burst_items, 8);
  EXPECT_EQ(parsed.kit.load.arrival.pause_us, 250);
  EXPECT_EQ(parsed.kit.threads.scheduling.klass, platform::Scheduling::Class::kDeadline);
  EXPECT_EQ(parsed.kit.threads.scheduling.deadline_ns, 200'000);
  EXPECT_EQ(platform::to_string(parsed.kit.threads.scheduling), "deadline:100,200,400");
  EXPECT_EQ(own(parsed).channel.item_bytes, 64U);
  EXPECT_TRUE(own(parsed).channel.zero_copy);
  EXPECT_EQ(own(parsed).channel.batch, 4U);
  EXPECT_EQ(parsed.kit.threads.timer_slack_ns, 1000);
  EXPECT_TRUE(parsed.kit.threads.mlock);
  EXPECT_EQ(parsed.kit.record.sample_every, 10U);
  EXPECT_EQ(parsed.kit.load.pacing, Pacing::kSpin);
  EXPECT_EQ(own(parsed).channel.numa_node, 0);
}

TEST(CommandLine, GivesAllFilesOfAFolder) {
  const Parsed parsed = parse_words({"--out", "/tmp"});
  ASSERT_TRUE(parsed.workload);
  EXPECT_EQ(parsed.kit.record.path(record::File::kSamples), "/tmp/samples.csv");
  EXPECT_EQ(parsed.kit.record.path(record::File::kHistogram), "/tmp/histogram.csv");
  EXPECT_EQ(parsed.kit.record.path(record::File::kStats), "/tmp/stats.csv");
  EXPECT_EQ(parsed.kit.record.path(record::File::kThreads), "/tmp/threads.csv");
  EXPECT_EQ(parsed.kit.record.samples(), 100'000U);
  EXPECT_EQ(parse_words({"--check", "--out", "/not/on/this/machine"}).exit_code, 0);
}

TEST(CommandLine, TakesTheWorkloadAsTheFirstWord) {
  EXPECT_TRUE(parse_words({"pipeline", "--queue-cap", "8"}).workload);
}

TEST(CommandLine, EndsTheProgramWellAfterHelpAndVersion) {
  for (const char* const word : {"--help", "--version"}) {
    ::testing::internal::CaptureStdout();
    const Parsed parsed = parse_words({word});
    EXPECT_FALSE(parsed.workload);
    EXPECT_EQ(parsed.exit_code, 0);
    EXPECT_NE(::testing::internal::GetCapturedStdout(), "");
  }
}

struct BadCase {
  std::vector<const char*> words;
  std::string message;  ///< what the one line must contain
};

class BadOptions : public ::testing::TestWithParam<BadCase> {};

TEST_P(BadOptions, GetOneLineAndExitCode2) {
  ::testing::internal::CaptureStderr();
  const Parsed parsed = parse_words(GetParam().words);
  const std::string message = ::testing::internal::GetCapturedStderr();
  EXPECT_FALSE(parsed.workload);
  EXPECT_EQ(parsed.exit_code, 2);
  EXPECT_NE(message.find(GetParam().message), std::string::npos) << message;
  EXPECT_EQ(message.find('\n'), message.size() - 1) << message;
}

INSTANTIATE_TEST_SUITE_P(
    All, BadOptions,
    ::testing::Values(
        BadCase{{"--queue-cap", "0"}, "--queue-cap: '0' is not valid: give an integer from 1 to"},
        BadCase{{"--queue-cap", "-1"}, "--queue-cap: '-1' is not valid"},
        BadCase{{"--queue-cap", "8x"}, "--queue-cap: '8x' is not valid"},
        BadCase{{"--queue-cap", "99999999999999999999"}, "--queue-cap: '99999999999999999999'"},
        BadCase{{"--duration", "0"}, "--duration: '0' is not valid: give a number from 0.001 to"},
        BadCase{{"--duration", "nan"}, "--duration: 'nan' is not valid"},
        BadCase{{"--prod-interval-us", "0.0004"}, "--prod-interval-us: '0.0004' is less than a"},
        BadCase{{"--prod-interval-us", "-0.5"}, "--prod-interval-us: '-0.5' is not valid: give a"},
        BadCase{{"--prod-interval-us", "nan"}, "--prod-interval-us: 'nan' is not valid: give a"},
        BadCase{{"--wait", "sleep"}, "--wait: 'sleep' is not valid: give spin, yield, futex"},
        BadCase{{"--queue", ""}, "--queue: '' is not valid: give spsc, mutex"},
        BadCase{{"--pin-consumer", "4096"}, "--pin-consumer: '4096' is not valid: give a CPU"},
        BadCase{{"--prod-interval-us", "0x10"}, "--prod-interval-us: '0x10' is not valid"},
        BadCase{{"--sched", "fifo"}, "--sched: 'fifo' is not valid: give other, fifo:P or rr:P"},
        BadCase{{"--sched", "fifo:0"}, "--sched: 'fifo:0'"},
        BadCase{{"--sched", "rr:100"}, "--sched: 'rr:100'"},
        BadCase{{"--sched", "deadline:300,200,400"}, "--sched: 'deadline:300,200,400'"},
        BadCase{{"--sched", "deadline:100,200,400", "--pin-producer", "0"}, "--sched: Linux lets"},
        BadCase{{"--sched", "deadline:100,200,400", "--pin-producer", "0"},
                "leave out --pin-producer"},
        BadCase{{"--sched-consumer", "deadline:100,200,400", "--pin-consumer", "0"},
                "--sched-consumer: Linux lets"},
        BadCase{{"--sched-producer", "fifo"}, "--sched-producer: 'fifo' is not valid"},
        BadCase{{"--arrival", "burst:0,5"}, "--arrival: 'burst:0,5' is not valid: give constant"},
        BadCase{{"--arrival", "burst:5"}, "--arrival: 'burst:5'"},
        BadCase{{"--arrival", "burst:5,6,"}, "--arrival: 'burst:5,6,'"},
        BadCase{{"--arrival", "poisson", "--prod-interval-us", "0"}, "--arrival: 'poisson' needs"},
        BadCase{{"--numa-node", "1000"}, "--numa-node: '1000' is not valid: give a NUMA node"},
        BadCase{{"--batch", "65"}, "--batch: '65' is more than the 64 items"},
        BadCase{{"--batch", "2", "--queue", "mutex"}, "--batch: works with --queue spsc"},
        BadCase{{"--batch", "2", "--on-full", "overwrite"}, "--batch: works with --queue spsc"},
        BadCase{{"--item-bytes", "12"}, "--item-bytes: '12' is not valid: give a multiple of 8"},
        BadCase{{"--zero-copy"}, "--zero-copy: there is nothing to copy"},
        BadCase{{"--sample-every", "0"}, "--sample-every: '0' is not valid"},
        BadCase{{"--out", "/nowhere"}, "--out: '/nowhere' is not valid: give a folder that exists"},
        BadCase{{"--out", "/tmp", "--stats", "s"}, "--stats: --out writes that as well: give only"},
        BadCase{{"--stats", "s.csv", "--threads", "./s.csv"},
                "--threads: './s.csv' is a file that --stats writes, too"},
        BadCase{{"--bogus", "1"}, "'--bogus' is no option: see --help"},
        BadCase{{"--duration"}, "--duration: needs a value"},
        BadCase{{"--mlock=maybe"}, "--mlock: takes no value: give it alone"},
        BadCase{{"--series", ""}, "--series: '' is not valid: give a path"},
        BadCase{{"--seed", "1", "--seed", "2"}, "--seed: is given twice: give it once"},
        BadCase{{"feed"}, "'feed' is not a workload: give pipeline, or options only"}));

}  // namespace
}  // namespace pipelab
