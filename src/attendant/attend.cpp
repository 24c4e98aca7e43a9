#include "attendant/attend.hpp"

#include <fcntl.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "attendant/calls.hpp"
#include "attendant/guard.hpp"
#include "attendant/hang.hpp"
#include "attendant/images.hpp"
#include "attendant/outputs.hpp"
#include "attendant/processes.hpp"
#include "attendant/program.hpp"
#include "attendant/surroundings.hpp"
#include "attendant/taskstats.hpp"
#include "attendant/text_file.hpp"
#include "platform/clock.hpp"
#include "platform/marker.hpp"

namespace pipelab::attendant {
namespace {

using platform::Nanoseconds;

constexpr int kKeptTooMuch = 122;
constexpr int kLeftBehind = 123;
constexpr int kLimitReached = 124;
constexpr int kSignalled = 128;

/// What became of the program.
struct Life {
  std::string schedstat_before;
  std::string schedstat_after;
  std::int64_t oom_kills_before{0};
  Nanoseconds begin_ns{0};
  Nanoseconds end_ns{0};
  std::optional<int> status;         ///< none when it reached the limit
  std::vector<Process> left_behind;  ///< that lived on
  std::optional<Region> region;
  std::vector<Task> tasks;
  bool tasks_known{false};
  bool tasks_lost{false};
  rusage used{};
};

std::string seconds(Nanoseconds time_ns) {
  std::string text(40, '\0');
  text.resize(static_cast<std::size_t>(
      std::snprintf(text.data(), text.size(), "%lld.%09lld",
                    static_cast<long long>(time_ns / platform::kNanosecondsPerSecond),
                    static_cast<long long>(time_ns % platform::kNanosecondsPerSecond))));
  return text;
}

std::string seconds(const timeval& time) {
  return seconds(time.tv_sec * platform::kNanosecondsPerSecond +
                 time.tv_usec * platform::kNanosecondsPerMicrosecond);
}

std::string process_csv(const Life& life) {
  const bool exited = life.status && WIFEXITED(*life.status);
  const bool signalled = life.status && WIFSIGNALED(*life.status);
  const Region measured = life.region.value_or(Region{life.begin_ns, life.end_ns});
  constexpr std::int64_t kKilobyte = 1024;
  std::vector<std::pair<std::string, std::string>> stats{
      {"begin_ns", std::to_string(measured.begin_ns)},
      {"duration_s", seconds(measured.end_ns - measured.begin_ns)},
      {"region", std::to_string(static_cast<int>(life.region.has_value()))},
      {"exit_code", exited ? std::to_string(WEXITSTATUS(*life.status)) : ""},
      {"signal", std::to_string(signalled ? WTERMSIG(*life.status) : 0)},
      {"user_s", seconds(life.used.ru_utime)},
      {"system_s", seconds(life.used.ru_stime)},
      {"max_rss_bytes", std::to_string(life.used.ru_maxrss * kKilobyte)},
      {"voluntary_switches", std::to_string(life.used.ru_nvcsw)},
      {"involuntary_switches", std::to_string(life.used.ru_nivcsw)},
      {"threads", life.tasks_known ? std::to_string(life.tasks.size()) : ""},
      {"threads_lost", std::to_string(static_cast<int>(life.tasks_lost))},
      {"processes_left", std::to_string(life.left_behind.size())},
      {"reached_limit", std::to_string(static_cast<int>(!life.status))}};
  const auto before = parse_busy_ns(life.schedstat_before);
  for (const auto& [cpu, busy_ns] : parse_busy_ns(life.schedstat_after)) {
    if (before.contains(cpu)) {
      stats.emplace_back("cpu" + std::to_string(cpu) + "_busy_ns",
                         std::to_string(busy_ns - before.at(cpu)));
    }
  }
  return stats_csv(stats);
}

/// "2 processes (sleep, sh)".
std::string count_of(const std::vector<Process>& processes) {
  constexpr std::size_t kMostNames = 5;
  std::string text =
      std::to_string(processes.size()) + (processes.size() == 1 ? " process (" : " processes (");
  for (std::size_t each = 0; each < std::min(processes.size(), kMostNames); ++each) {
    text += (each == 0 ? "" : ", ") + escaped(processes[each].name);
  }
  return text + (processes.size() > kMostNames ? ", ...)" : ")");
}

/// Those that live on. What is about to end has a moment for it.
std::vector<Process> living_descendants() {
  constexpr timespec kMillisecond{.tv_sec = 0, .tv_nsec = 1'000'000};
  constexpr int kMoment = 100;
  std::vector<Process> processes;
  for (int waited = 0; waited < kMoment; ++waited) {
    processes = descendants();
    std::erase_if(processes, [](const Process& process) { return !process.lives; });
    if (processes.empty()) {
      break;
    }
    nanosleep(&kMillisecond, nullptr);
  }
  return processes;
}

/// Says what the threads of a program wait for that reached its limit.
void say_where(std::span<const Stuck> threads, const Words& words) {
  std::string limit = seconds(*words.limit_ns);
  limit.erase(limit.find_last_not_of('0') + 1);
  limit.erase(limit.find_last_not_of('.') + 1);
  limit += words.root.empty() ? " s" : " s of the guest's time";
  say(hang_summary(threads, limit) + (was_stopped() ? "; it had stopped its parent ($PPID)" : ""));
}

std::int64_t oom_kills() { return parse_count(content_of("/proc/vmstat"), "oom_kill"); }

/// The exit code for how the program ended, after a line on stderr about what was wrong with it.
int judge(const Life& life) {
  if (!life.status) {
    return kLimitReached;
  }
  if (WIFSIGNALED(*life.status)) {
    const int number = WTERMSIG(*life.status);
    const bool was_memory = number == SIGKILL && oom_kills() > life.oom_kills_before;
    say("ended by signal " + std::to_string(number) + " (" + strsignal(number) + ")" +
        (was_memory ? ": perhaps the guest's memory was full: give it more memory-mb" : ""));
    return kSignalled + number;
  }
  if (WEXITSTATUS(*life.status) == 0 && !life.left_behind.empty()) {
    say("left " + count_of(life.left_behind) +
        " behind, which ended with the guest: let the command stay in the foreground until its "
        "work is done");
    return kLeftBehind;
  }
  if (WEXITSTATUS(*life.status) != 0 && oom_kills() > life.oom_kills_before) {
    say("the guest's memory was full, and the kernel ended a process: give it more memory-mb");
  }
  return WEXITSTATUS(*life.status);
}

/// Nothing that the program does to others is to end this process.
void protect_this_process(const Words& words) {
  prctl(PR_SET_CHILD_SUBREAPER, 1);
  const int oom = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
  static_cast<void>(write_all(oom, "-1000"));
  close(oom);
  sigset_t blocked;
  sigemptyset(&blocked);
  if (words.root.empty()) {
    sigaddset(&blocked, SIGCHLD);
  } else {
    sigfillset(&blocked);
  }
  sigprocmask(SIG_BLOCK, &blocked, nullptr);
}

/// From now on: before all that the program may have left, be it thousands of processes.
void hurry() {
  sched_param first{};
  first.sched_priority = 1;
  sched_setscheduler(0, SCHED_FIFO, &first);
}

/// Where the program writes its measured region: as it sees that, and as open_in() does.
std::string region_file(const Words& words) {
  if (!words.root.empty()) {
    return "/tmp/.pipelab_region";
  }
  struct Free {
    void operator()(char* text) const noexcept { std::free(text); }
  };
  const std::unique_ptr<char, Free> folder(getcwd(nullptr, 0));
  return std::string(folder ? folder.get() : ".") + "/.pipelab_region";
}

/// What the program measured itself, if that lies in its life.
std::optional<Region> read_region(const Words& words, const std::string& path, const Life& life) {
  constexpr std::size_t kMostBytes = 100;
  const int file = open_in(words.root, path);
  const std::optional<Region> region = parse_region(read_all(file, kMostBytes));
  close(file);
  return region && region->begin_ns >= life.begin_ns && region->end_ns <= life.end_ns
             ? region
             : std::nullopt;
}

}  // namespace

int attend(const Words& words) {
  if (!words.complete.empty() && access(words.complete.c_str(), F_OK) != 0) {
    fail_incomplete();
  }
  if (!words.root.empty()) {
    make_surroundings(words.root);
  }
  protect_this_process(words);
  const std::string region_path = region_file(words);
  if (words.root.empty()) {
    unlink(region_path.c_str());
  }

  Life life;
  life.oom_kills_before = oom_kills();
  EndedTasks ended_tasks;
  const Program program(words, region_path);
  std::optional<Images> images;
  if (words.maps) {
    images.emplace(program.pid());
  }
  std::optional<Calls> calls;
  if (words.calls) {
    calls.emplace();
  }
  life.schedstat_before = content_of("/proc/schedstat");
  life.begin_ns = platform::now_ns();
  if (words.mark) {
    platform::begin_region<platform::kProgramRegion>();
  }
  program.let_go();
  life.status =
      program.wait(words.limit_ns ? std::optional(life.begin_ns + *words.limit_ns) : std::nullopt,
                   images ? &*images : nullptr);
  life.end_ns = platform::now_ns();
  if (words.mark) {
    platform::end_region<platform::kProgramRegion>();
  }
  hurry();
  life.schedstat_after = content_of("/proc/schedstat");

  std::vector<Stuck> stuck;
  if (!life.status) {
    stuck = stuck_threads(descendants());
  }
  if (images) {
    images->let_all_go();
  }
  add_stacks(stuck);
  if (life.status) {
    life.left_behind = living_descendants();
  }
  if (!kill_descendants()) {
    say("cannot end " + count_of(descendants()));
  }
  if (const auto refusal = program.refusal()) {
    say(refusal->reason);
    return refusal->exit_code;
  }
  if (!life.status) {
    say_where(stuck, words);
    write_text("hang.txt", hang_lines(stuck));
  }
  getrusage(RUSAGE_CHILDREN, &life.used);
  life.tasks = descending_from(getpid(), ended_tasks.read());
  life.tasks_known = ended_tasks.known();
  life.tasks_lost = ended_tasks.lost();
  life.region = read_region(words, region_path, life);
  write_text("process.csv", process_csv(life));
  write_text("threads.csv", threads_csv(life.tasks));
  if (images) {
    write_text("maps.txt", images->text());
  }
  if (calls) {
    write_text("calls.csv", calls->text());
  }
  if (words.root.empty()) {
    unlink(region_path.c_str());
  }
  int code = judge(life);
  if (const auto large = keep(words.root, words.folder, words.keep, words.keep_mb)) {
    say(escaped(*large) + " is larger than what may be kept, " + std::to_string(words.keep_mb) +
        " MB in all: let the program write less");
    code = code == 0 ? kKeptTooMuch : code;
  }
  return code;
}

}  // namespace pipelab::attendant
