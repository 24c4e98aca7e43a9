#include "attendant/hang.hpp"

#include <sys/syscall.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <iterator>
#include <optional>
#include <utility>

#include "attendant/text_file.hpp"

namespace pipelab::attendant {
namespace {

constexpr std::size_t kMostThreads = 1000;

// Those that programs wait in. No machine has all of them.
constexpr auto kCalls = std::to_array<std::pair<long, std::string_view>>({
    {SYS_futex, "futex"},
    {SYS_read, "read"},
    {SYS_write, "write"},
    {SYS_ppoll, "ppoll"},
    {SYS_epoll_pwait, "epoll_pwait"},
    {SYS_nanosleep, "nanosleep"},
    {SYS_clock_nanosleep, "clock_nanosleep"},
    {SYS_wait4, "wait4"},
    {SYS_waitid, "waitid"},
    {SYS_accept, "accept"},
    {SYS_accept4, "accept4"},
    {SYS_connect, "connect"},
    {SYS_recvfrom, "recvfrom"},
    {SYS_recvmsg, "recvmsg"},
    {SYS_pselect6, "pselect6"},
    {SYS_io_getevents, "io_getevents"},
    {SYS_rt_sigtimedwait, "rt_sigtimedwait"},
    {SYS_rt_sigsuspend, "rt_sigsuspend"},
#ifdef SYS_poll
    {SYS_poll, "poll"},
    {SYS_epoll_wait, "epoll_wait"},
    {SYS_pause, "pause"},
#endif
#ifdef SYS_select
    {SYS_select, "select"},
#endif
#ifdef SYS__newselect
    {SYS__newselect, "select"},
#endif
#ifdef SYS_futex_time64
    {SYS_futex_time64, "futex"},
    {SYS_ppoll_time64, "ppoll"},
    {SYS_pselect6_time64, "pselect6"},
    {SYS_clock_nanosleep_time64, "clock_nanosleep"},
    {SYS_rt_sigtimedwait_time64, "rt_sigtimedwait"},
#endif
});

std::string first_line(const std::string& path) {
  const std::string text = content_of(path, 4096);
  return text.substr(0, text.find('\n'));
}

/// " (CALL: THREAD in FUNCTION < FUNCTION, THREAD ...; CALL: ...)"; with so many functions.
std::string places_of(std::span<const Stuck> threads, int functions) {
  constexpr std::size_t kMostPlaces = 4;
  constexpr std::size_t kMostNames = 4;
  constexpr std::string_view kRunning = "running";
  std::vector<std::pair<std::string_view, std::vector<std::string>>> places;
  for (const Stuck& thread : threads) {
    const std::string function = place_of(thread.frames, functions);
    const bool runs = thread.state == 'R';
    if (runs && function.empty()) {
      continue;
    }
    const std::string_view call = runs                  ? kRunning
                                  : thread.call.empty() ? std::string_view(thread.wchan)
                                                        : thread.call;
    auto place = std::ranges::find(places, call, [](const auto& each) { return each.first; });
    if (place == places.end()) {
      place = places.insert(place, {call, {}});
    }
    place->second.push_back(thread.name + (function.empty() ? "" : " in " + function));
  }
  std::string shown;
  for (std::size_t place = 0; place < std::min(places.size(), kMostPlaces); ++place) {
    const auto& [call, names] = places[place];
    shown += (place == 0 ? " (" : "; ") + std::string(call) + ": ";
    for (std::size_t name = 0; name < std::min(names.size(), kMostNames); ++name) {
      shown += (name == 0 ? "" : ", ") + names[name];
    }
    shown += names.size() > kMostNames ? ", ..." : "";
  }
  return shown + (shown.empty() ? "" : places.size() > kMostPlaces ? "; ...)" : ")");
}

}  // namespace

std::string call_of(std::string_view line) {
  const std::vector<std::string_view> fields = fields_of(line);
  const auto number = fields.size() < 2 ? std::nullopt : number_of(fields[0]);
  if (!number || *number < 0) {
    return {};  // it runs, or waits for a page
  }
  const auto* const call =
      std::ranges::find(kCalls, *number, &std::pair<long, std::string_view>::first);
  if (call == kCalls.end()) {
    return "system call " + std::to_string(*number);
  }
  return std::string(call->second) +
         (call->second == "futex" ? "(uaddr=" + std::string(fields[1]) + ")" : "");
}

std::vector<Stuck> stuck_threads(std::span<const Process> processes) {
  std::vector<Stuck> threads;
  for (const Process& process : processes) {
    const std::string tasks = "/proc/" + std::to_string(process.pid) + "/task";
    for (const pid_t tid : numbers_in(tasks)) {
      const std::string task = tasks + "/" + std::to_string(tid) + "/";
      const std::string stat = first_line(task + "stat");
      const std::size_t name_end = stat.rfind(')');
      if (threads.size() == kMostThreads) {
        return threads;
      }
      if (name_end == std::string::npos || name_end + 2 >= stat.size()) {
        continue;  // it ended
      }
      const char state = stat[name_end + 2];
      if (state != 'Z' && state != 'X') {
        threads.push_back({.pid = process.pid,
                           .tid = tid,
                           .name = escaped(first_line(task + "comm")),
                           .state = state,
                           .wchan = escaped(first_line(task + "wchan")),
                           .call = call_of(first_line(task + "syscall"))});
      }
    }
  }
  return threads;
}

void add_stacks(std::span<Stuck> threads) {
  std::vector<pid_t> tids;
  std::ranges::transform(threads, std::back_inserter(tids), &Stuck::tid);
  auto stacks = stacks_of(tids);
  for (Stuck& thread : threads) {
    thread.frames = std::move(stacks[thread.tid]);
  }
}

std::string hang_lines(std::span<const Stuck> threads) {
  std::string lines;
  for (const Stuck& thread : threads) {
    lines += "pid " + std::to_string(thread.pid) + " tid " + std::to_string(thread.tid) + " " +
             thread.name + " state " + thread.state + " wchan " + thread.wchan +
             (thread.call.empty() ? "" : " in " + thread.call) + "\n";
    for (std::size_t number = 0; number < thread.frames.size(); ++number) {
      const Frame& frame = thread.frames[number];
      lines += "  #" + std::to_string(number) + " " + frame.function +
               (frame.function.empty() ? "" : " ") + frame.file + "+" + frame.offset + "\n";
    }
  }
  return lines;
}

std::string hang_summary(std::span<const Stuck> threads, std::string_view limit) {
  constexpr std::size_t kMostCharacters = 280;
  const auto running = static_cast<std::size_t>(std::ranges::count(threads, 'R', &Stuck::state));
  const std::size_t waiting = threads.size() - running;
  const std::string line = "did not end within " + std::string(limit) + ": " +
                           std::to_string(waiting) +
                           (waiting == 1 ? " thread waits, " : " threads wait, ") +
                           std::to_string(running) + (running == 1 ? " runs" : " run");
  std::string places;
  for (const int functions : {3, 2, 1}) {
    places = places_of(threads, functions);
    if (line.size() + places.size() <= kMostCharacters) {
      break;
    }
  }
  return line + places.substr(0, kMostCharacters - std::min(kMostCharacters, line.size()));
}

}  // namespace pipelab::attendant
