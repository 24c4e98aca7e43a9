#include "attendant/processes.hpp"

#include <dirent.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstddef>
#include <ctime>
#include <map>
#include <memory>
#include <set>
#include <utility>

#include "attendant/text_file.hpp"
#include "platform/clock.hpp"

namespace pipelab::attendant {

std::optional<Process> parse_process(std::string_view line) {
  // The name may hold anything.
  const std::size_t name_begin = line.find(" (");
  const std::size_t name_end = line.rfind(')');
  if (name_begin == std::string_view::npos || name_end == std::string_view::npos) {
    return {};
  }
  Process process;
  process.pid = static_cast<pid_t>(number_of(line.substr(0, name_begin)).value_or(0));
  process.name = line.substr(name_begin + 2, name_end - name_begin - 2);
  // What follows it, from field 3 on.
  constexpr std::size_t kState = 0;
  constexpr std::size_t kParent = 4 - 3;
  constexpr std::size_t kGroup = 5 - 3;
  constexpr std::size_t kThreads = 20 - 3;
  const std::vector<std::string_view> fields = fields_of(line.substr(name_end + 1));
  if (fields.size() <= kThreads) {
    return {};
  }
  process.parent = static_cast<pid_t>(number_of(fields[kParent]).value_or(0));
  process.group = static_cast<pid_t>(number_of(fields[kGroup]).value_or(0));
  const bool leader_ended = fields[kState] == "Z" || fields[kState] == "X";
  process.lives = !leader_ended || number_of(fields[kThreads]).value_or(0) > 1;
  return process;
}

std::vector<pid_t> numbers_in(const std::string& folder) {
  std::vector<pid_t> numbers;
  struct Closer {
    void operator()(DIR* open) const noexcept { closedir(open); }
  };
  const std::unique_ptr<DIR, Closer> open(opendir(folder.c_str()));
  const dirent* entry = nullptr;
  while (open && (entry = readdir(open.get())) != nullptr) {
    if (const auto number = number_of(&entry->d_name[0])) {
      numbers.push_back(static_cast<pid_t>(*number));
    }
  }
  std::ranges::sort(numbers);
  return numbers;
}

std::vector<Process> descendants() {
  std::multimap<pid_t, Process> by_parent;
  for (const pid_t pid : numbers_in("/proc")) {
    if (auto process = parse_process(content_of("/proc/" + std::to_string(pid) + "/stat"))) {
      by_parent.emplace(process->parent, *process);
    }
  }
  std::vector<Process> found;
  std::vector<pid_t> parents{getpid()};
  while (!parents.empty()) {
    auto [child, end] = by_parent.equal_range(parents.back());
    parents.pop_back();
    while (child != end) {
      parents.push_back(child->second.pid);
      found.push_back(std::move(child->second));
      child = by_parent.erase(child);  // a pid that was given anew meanwhile makes no circle
    }
  }
  std::ranges::sort(found, {}, &Process::pid);
  return found;
}

bool kill_descendants() {
  constexpr platform::Nanoseconds kPatienceNs = platform::kNanosecondsPerSecond;
  constexpr int kLeastRounds = 20;  // where a host gives this process little time
  const platform::Nanoseconds deadline_ns = platform::now_ns() + kPatienceNs;
  const pid_t own_group = getpgrp();
  for (int round = 0;; ++round) {
    while (waitpid(-1, nullptr, WNOHANG | __WALL) > 0) {
    }
    const std::vector<Process> left = descendants();
    if (left.empty() || (round >= kLeastRounds && platform::now_ns() >= deadline_ns)) {
      return left.empty();
    }
    // A group is killed at one blow: none of it forks meanwhile.
    std::set<pid_t> groups;
    for (const Process& process : left) {
      if (process.group > 1 && process.group != own_group) {
        groups.insert(process.group);
      }
    }
    std::ranges::for_each(groups, [](pid_t group) { kill(-group, SIGKILL); });
    std::ranges::for_each(left, [](const Process& process) { kill(process.pid, SIGKILL); });
    constexpr timespec kMillisecond{.tv_sec = 0, .tv_nsec = 1'000'000};
    nanosleep(&kMillisecond, nullptr);
  }
}

}  // namespace pipelab::attendant
