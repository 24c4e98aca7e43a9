#include <gtest/gtest.h>
#include <linux/genetlink.h>
#include <linux/netlink.h>
#include <linux/taskstats.h>
#include <sys/syscall.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "attendant/calls.hpp"
#include "attendant/hang.hpp"
#include "attendant/outputs.hpp"
#include "attendant/processes.hpp"
#include "attendant/taskstats.hpp"
#include "attendant/words.hpp"

namespace pipelab::attendant {
namespace {

using namespace std::literals;

TEST(Words, MayHaveAnyCharacters) {
  const Words words = parse_words(
      "--limit-ms\0001500\0--root\0/root\0--folder\0/work\0--keep\0a\0--keep\0b c\0--mark\0--maps\0"
      "--\0a\n'\0\0--\0"sv);
  EXPECT_EQ(words.limit_ns, 1'500'000'000);
  EXPECT_EQ(words.root, "/root");
  EXPECT_EQ(words.folder, "/work");
  EXPECT_EQ(words.keep, (std::vector{"a"s, "b c"s}));
  EXPECT_TRUE(words.mark);
  EXPECT_TRUE(words.maps);
  EXPECT_EQ(words.command, (std::vector{"a\n'"s, ""s, "--"s}));
}

TEST(Words, AreRefusedWhenTheyAreWrong) {
  for (const std::string_view text :
       {""sv, "--\0"sv, "true\0"sv, "--\0true"sv, "--limit-ms\0-1\0--\0true\0"sv,
        "--limit-ms\0001x\0--\0true\0"sv, "--keep\0../a\0--\0true\0"sv,
        "--keep\0process.csv\0--\0true\0"sv, "--root\0"sv, "--limit\0001\0--\0true\0"sv}) {
    EXPECT_THROW(parse_words(text), std::runtime_error) << text;
  }
}

/// An attribute of netlink around `payload`.
std::string attribute(std::uint16_t type, std::string_view payload) {
  const nlattr head{static_cast<std::uint16_t>(sizeof(nlattr) + payload.size()), type};
  std::string bytes(sizeof head, '\0');
  std::memcpy(bytes.data(), &head, sizeof head);
  bytes += payload;
  bytes.resize((bytes.size() + 3) / 4 * 4);
  return bytes;
}

/// What the kernel sends when the last thread of a process has ended: of the thread, and of all.
std::string message_of(const taskstats& counted) {
  const std::string stats(reinterpret_cast<const char*>(&counted), sizeof counted);  // NOLINT
  const std::string both =
      attribute(TASKSTATS_TYPE_PID, "\1\0\0\0"sv) + attribute(TASKSTATS_TYPE_STATS, stats);
  const std::string attributes =
      attribute(TASKSTATS_TYPE_AGGR_PID, both) + attribute(TASKSTATS_TYPE_AGGR_TGID, both);
  const nlmsghdr head{static_cast<std::uint32_t>(sizeof head + GENL_HDRLEN + attributes.size()),
                      NLMSG_MIN_TYPE + 5, 0, 0, 0};
  std::string bytes(sizeof head, '\0');
  std::memcpy(bytes.data(), &head, sizeof head);
  return bytes + "\2\1\0\0"s + attributes;  // TASKSTATS_CMD_NEW, its version
}

TEST(Tasks, AreThoseOfTheKernelsMessages) {
  taskstats counted{};
  counted.version = 13;
  std::strcpy(&counted.ac_comm[0], "a,b\n");
  counted.ac_pid = 12;
  counted.ac_tgid = 11;
  counted.ac_ppid = 10;
  counted.nvcsw = 1;
  counted.nivcsw = 2;
  counted.cpu_delay_total = 3;
  counted.cpu_run_virtual_total = 4;
  counted.ac_utime = 5;
  counted.ac_stime = 6;
  counted.ac_etime = 7;
  const std::string message = message_of(counted);
  const std::vector<Task> tasks = parse_tasks(message + message);
  ASSERT_EQ(tasks.size(), 2);
  EXPECT_EQ(tasks[0].pid, 11);
  EXPECT_EQ(tasks[0].parent, 10);
  EXPECT_EQ(threads_csv({tasks.data(), 1}),
            "thread,tid,role,cpu,voluntary_switches,involuntary_switches,migrations,run_delay_ns,"
            "cpu_ns,user_ns,system_ns,elapsed_ns\na_b_,12,,,1,2,,3,4,5000,6000,7000\n");
  for (std::size_t bytes = 0; bytes < message.size(); ++bytes) {
    parse_tasks(std::string_view(message).substr(0, bytes));  // for the sanitizers
  }
  counted.version = 15;
  EXPECT_TRUE(parse_tasks(message_of(counted)).empty());
}

TEST(Tasks, OfAProgramDescendFromTheAttendant) {
  const auto task = [](pid_t tid, pid_t pid, pid_t parent) {
    Task made;
    made.tid = tid;
    made.pid = pid;
    made.parent = parent;
    return made;
  };
  // A grandchild, its parent's two threads, of which the first ended early, and others' children.
  const std::vector<Task> tasks{task(20, 20, 10), task(30, 30, 20), task(99, 99, 2),
                                task(21, 20, 10), task(98, 98, 7),  task(40, 40, 10)};
  std::vector<pid_t> found;
  for (const Task& each : descending_from(10, tasks)) {
    found.push_back(each.tid);
  }
  EXPECT_EQ(found, (std::vector<pid_t>{20, 21, 30, 40}));
}

TEST(Machine, SaysHowLongItsCpusRan) {
  const auto busy = parse_busy_ns(
      "version 15\ntimestamp 4294937296\ncpu0 0 0 0 0 0 0 210600480 7530320 1142\n"
      "domain0 3 0 0\ncpu1 0 0 0 0 0 0 99 1 2\n");
  EXPECT_EQ(busy, (std::map<int, std::int64_t>{{0, 210600480}, {1, 99}}));
  EXPECT_EQ(parse_count("pgfault 3\noom_kill 2\n", "oom_kill"), 2);
  EXPECT_EQ(parse_count("pgfault 3\noom_kill", "oom_kill"), 0);
}

TEST(Region, IsTwoTimes) {
  const auto region = parse_region("0000000012000000000\n0000000013000000000\n");
  ASSERT_TRUE(region);
  EXPECT_EQ(region->end_ns - region->begin_ns, 1'000'000'000);
  for (const std::string_view text : {"", "1\n", "2\n1\n", "1\n1\n", "1\n2", "1\n2\n3\n", "1\nx\n",
                                      "-2\n1\n", "1\n99999999999999999999\n"}) {
    EXPECT_FALSE(parse_region(text)) << text;
  }
}

TEST(Process, IsReadThoughItsNameIsOdd) {
  const std::string rest = " 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 ";
  const auto process = parse_process("77 (a) R (b) S" + rest + "1 0");
  ASSERT_TRUE(process);
  EXPECT_EQ(process->pid, 77);
  EXPECT_EQ(process->name, "a) R (b");
  EXPECT_EQ(process->parent, 1);
  EXPECT_EQ(process->group, 2);
  EXPECT_TRUE(process->lives);
  EXPECT_FALSE(parse_process("77 (a) Z" + rest + "1 0")->lives);
  EXPECT_TRUE(parse_process("77 (a) Z" + rest + "2 0")->lives);
  EXPECT_FALSE(parse_process("77 (a) S 1"));
}

TEST(Calls, AreReadFromTheKernelsHistogram) {
  EXPECT_EQ(parse_calls(
                "# event histogram\n#\n\n"
                "{ common_pid:         92, id:        226 } hitcount:          1  ns:      15040\n"
                "{ common_pid:         89, id: 18446744073709551615 } hitcount: 1  ns: 6320\n"
                "{ common_pid:         92, id:         98 } hitcount:       2102  ns:   99\n"
                "\nTotals:\n    Hits: 2104\n    Entries: 3\n    Dropped: 0\n"),
            "tid,call,count,total_ns\n92,226,1,15040\n92,98,2102,99\n");
  EXPECT_EQ(parse_calls(""), "tid,call,count,total_ns\n");
}

TEST(Hang, SaysWhatThreadsWaitFor) {
  const std::string number = std::to_string(SYS_futex);
  EXPECT_EQ(call_of(number + " 0x5581 0x80 0x2 0x0 0x0 0x0 0x7f 0x7e"), "futex(uaddr=0x5581)");
  EXPECT_EQ(call_of("running"), "");
  EXPECT_EQ(call_of("-1 0x7f 0x7e"), "");
  const std::array<Stuck, 3> threads{
      Stuck{12, 12, "main", 'S', "futex_wait_queue", "futex(uaddr=0x5581)"},
      Stuck{12, 13, "worker", 'S', "futex_wait_queue", "futex(uaddr=0x5581)"},
      Stuck{12, 14, "spinner", 'R', "0", ""}};
  EXPECT_EQ(hang_lines({threads.data() + 1, 1}),
            "pid 12 tid 13 worker state S wchan futex_wait_queue in futex(uaddr=0x5581)\n");
  EXPECT_EQ(hang_summary(threads, "2 s"),
            "did not end within 2 s: 2 threads wait, 1 runs (futex(uaddr=0x5581): main, worker)");
  const std::vector<Stuck> many(1000, Stuck{1, 1, std::string(60, 'x'), 'S', "", "read"});
  EXPECT_LE(hang_summary(many, "2 s").size(), 280);
}

TEST(Hang, SaysInWhichFunctionsThreadsAre) {
  const std::vector<Frame> frames{
      {"libc.so.6", "0x7e", "pthread_mutex_lock"},
      {"libstdc++.so.6", "0x1", ""},
      {"my_app", "0x10", "(anonymous namespace)::take(std::mutex&)"},
      {"my_app", "0x18", "void std::__invoke_impl<void, void (*)(int)>(std::__invoke_other)"},
      {"my_app", "0x20", "work<int>(int (*)(int))"},
      {"my_app", "0x30", "main"},
      {"libc.so.6", "0x27", "__libc_start_main"}};
  EXPECT_EQ(place_of(frames, 3), "take < work<int> < main");
  EXPECT_EQ(place_of(frames, 1), "take");
  EXPECT_EQ(place_of({frames.data(), 2}, 3), "");
  EXPECT_EQ(short_name("main::{lambda(int)#1}::operator()(int) const"),
            "main::{lambda(int)#1}::operator()");
  EXPECT_EQ(short_name(")"), ")");
  const std::array<Stuck, 2> threads{
      Stuck{12, 12, "main", 'S', "", "ppoll", frames},
      Stuck{12, 13, "spinner", 'R', "0", "", {{"my_app", "0x40", "spin()"}}}};
  EXPECT_EQ(hang_lines({threads.data() + 1, 1}),
            "pid 12 tid 13 spinner state R wchan 0\n  #0 spin() my_app+0x40\n");
  EXPECT_EQ(
      hang_summary(threads, "2 s"),
      "did not end within 2 s: 1 thread waits, 1 runs (ppoll: main in take < work<int> < main; "
      "running: spinner in spin)");
}

}  // namespace
}  // namespace pipelab::attendant
