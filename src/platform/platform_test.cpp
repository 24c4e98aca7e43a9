#include <gtest/gtest.h>
#include <sched.h>

#include <atomic>
#include <cerrno>
#include <limits>
#include <memory_resource>
#include <new>
#include <optional>
#include <system_error>
#include <thread>
#include <vector>

#include "platform/clock.hpp"
#include "platform/cpu.hpp"
#include "platform/memory.hpp"
#include "platform/scheduling.hpp"
#include "platform/thread_counters.hpp"

namespace pipelab::platform {
namespace {

const std::atomic<bool> never_stop{false};

TEST(Clock, NeverSleepsTooShort) {
  const Nanoseconds begin = now_ns();
  sleep_for(2'000'000, never_stop);
  EXPECT_GE(now_ns() - begin, 2'000'000);
  const Nanoseconds deadline = now_ns() + 2'000'000;
  sleep_until(deadline, never_stop);
  EXPECT_GE(now_ns(), deadline);
}

TEST(Clock, EndsASleepThatIsStopped) {
  std::atomic<bool> stop{false};
  const Nanoseconds begin = now_ns();
  std::jthread stopper([&stop] { stop = true; });
  sleep_until(begin + 3600 * kNanosecondsPerSecond, stop);
  sleep_for(3600 * kNanosecondsPerSecond, stop);
  EXPECT_LT(now_ns() - begin, 60 * kNanosecondsPerSecond);
}

TEST(ThreadCounters, CountSleepsAndTimeOnACpu) {
  std::jthread([] {
    const ThreadCounters before = read_thread_counters(this_thread_id());
    for (int round = 0; round < 10; ++round) {
      sleep_for(100'000, never_stop);
    }
    const ThreadCounters counted = read_thread_counters(this_thread_id()).since(before);
    ASSERT_TRUE(counted.voluntary_switches);
    EXPECT_GE(*counted.voluntary_switches, 10);
    ASSERT_TRUE(counted.run_time_ns);
    EXPECT_GT(*counted.run_time_ns, 0);
    ASSERT_TRUE(counted.page_faults);
    EXPECT_GE(*counted.page_faults, 0);
  }).join();
}

TEST(ThreadCounters, TellTheLastCpu) {
  std::jthread([] {
    pin_this_thread(scheduled_cpus().back());
    EXPECT_EQ(last_cpu(this_thread_id()), scheduled_cpus().back());
  }).join();
  EXPECT_EQ(last_cpu(0), std::nullopt);
}

TEST(ThreadCounters, AreAbsentForAThreadThatIsGone) {
  const ThreadCounters counters = read_thread_counters(0);
  EXPECT_FALSE(counters.voluntary_switches);
  EXPECT_FALSE(counters.run_delay_ns);
  EXPECT_FALSE(counters.since(counters).page_faults);
}

TEST(ThreadCounters, AreReadWhileTheThreadEnds) {
  for (int round = 0; round < 100; ++round) {
    std::atomic<pid_t> tid{0};
    const std::jthread thread([&tid] { tid = this_thread_id(); });
    while (tid == 0) {
    }
    EXPECT_NO_THROW(for (int read = 0; read < 10; ++read) { read_thread_counters(tid); });
  }
}

TEST(Memory, ComesFromANodeThatExists) {
  EXPECT_GT(available_memory_bytes(), 0U);
  const std::vector<int> nodes = numa_nodes();
  ASSERT_FALSE(nodes.empty());
  for (const std::optional<int> node : {std::optional<int>{}, std::optional<int>{nodes.front()}}) {
    NodeMemory memory(node);
    std::pmr::vector<std::uint64_t> words(100'000, 7, &memory);
    EXPECT_EQ(words.back(), 7U);
  }
  // Volatile, or the compiler would refuse what it sees to be too much.
  const volatile std::size_t nearly_all = std::numeric_limits<std::size_t>::max() - (1U << 20U);
  EXPECT_THROW(static_cast<void>(NodeMemory({}).allocate(nearly_all)), std::bad_alloc);
}

TEST(Scheduling, IsWrittenAsItIsGiven) {
  using Class = Scheduling::Class;
  EXPECT_EQ(to_string({}), "other");
  EXPECT_EQ(to_string({.klass = Class::kFifo, .priority = 50}), "fifo:50");
  EXPECT_EQ(to_string({.klass = Class::kRoundRobin, .priority = 1}), "rr:1");
}

TEST(Scheduling, ChangesOrIsRefusedByTheKernel) {
  std::jthread([] {
    try {
      schedule_this_thread({.klass = Scheduling::Class::kFifo, .priority = 1});
      EXPECT_EQ(sched_getscheduler(0), SCHED_FIFO);
    } catch (const std::system_error& error) {
      EXPECT_EQ(error.code().value(), EPERM);
    }
  }).join();
}

TEST(Clock, CostsSomethingToRead) { EXPECT_GT(clock_read_cost_ns(), 0.0); }

TEST(Cpu, WritesCpuLists) {
  EXPECT_EQ(cpu_list({}), "");
  EXPECT_EQ(cpu_list({3}), "3");
  EXPECT_EQ(cpu_list({0, 1}), "0-1");
  EXPECT_EQ(cpu_list({0, 2, 3, 4, 5, 9}), "0,2-5,9");
}

TEST(Cpu, PinsTheThread) {
  std::jthread([] {
    for (const int cpu : allowed_cpus()) {
      pin_this_thread(cpu);
      EXPECT_EQ(sched_getcpu(), cpu);
    }
  }).join();
}

TEST(Cpu, KnowsCpusThatTheThreadDoesNotRunOnAndLeavesItsCpusAsTheyWere) {
  std::jthread([] {
    const std::vector<int> all = allowed_cpus();
    pin_this_thread(all.front());
    EXPECT_EQ(allowed_cpus(), all);
    cpu_set_t set;
    ASSERT_EQ(sched_getaffinity(0, sizeof set, &set), 0);
    EXPECT_EQ(CPU_COUNT(&set), 1);
    EXPECT_TRUE(CPU_ISSET(all.front(), &set));
  }).join();
}

TEST(Cpu, SaysWhichCpuItCannotPinTo) {
  try {
    pin_this_thread(1023);
    FAIL() << "nothing was thrown";
  } catch (const std::system_error& error) {
    EXPECT_STREQ(error.what(), "pin to CPU 1023: Invalid argument");
  }
}

}  // namespace
}  // namespace pipelab::platform
