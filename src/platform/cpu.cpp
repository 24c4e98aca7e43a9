#include "platform/cpu.hpp"

#include <fmt/format.h>
#include <pthread.h>
#include <sched.h>

#include <cerrno>
#include <system_error>

namespace pipelab::platform {

namespace {

cpu_set_t this_threads_cpus() {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof set, &set) != 0) {
    throw std::system_error(errno, std::generic_category(), "sched_getaffinity");
  }
  return set;
}

std::vector<int> members(const cpu_set_t& set) {
  std::vector<int> cpus;
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (CPU_ISSET(cpu, &set)) {
      cpus.push_back(cpu);
    }
  }
  return cpus;
}

}  // namespace

std::vector<int> allowed_cpus() {
  const cpu_set_t before = this_threads_cpus();
  cpu_set_t set = before;
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    CPU_SET(cpu, &set);
  }
  // The kernel takes of a set the CPUs that exist and that the cpuset allows. Those that isolcpus=
  // took from the scheduler are among them, though not in the set that a process begins with.
  if (sched_setaffinity(0, sizeof set, &set) == 0) {
    set = this_threads_cpus();
    sched_setaffinity(0, sizeof before, &before);
  } else {
    set = before;
  }
  return members(set);
}

std::vector<int> scheduled_cpus() { return members(this_threads_cpus()); }

int this_cpu() noexcept { return sched_getcpu(); }

std::string cpu_list(const std::vector<int>& cpus) {
  std::string list;
  for (std::size_t first = 0; first < cpus.size();) {
    std::size_t last = first;
    while (last + 1 < cpus.size() && cpus[last + 1] == cpus[last] + 1) {
      ++last;
    }
    list += list.empty() ? "" : ",";
    list += first == last ? fmt::format("{}", cpus[first])
                          : fmt::format("{}-{}", cpus[first], cpus[last]);
    first = last + 1;
  }
  return list;
}

void pin_this_thread(int cpu) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(cpu, &set);
  const int error = pthread_setaffinity_np(pthread_self(), sizeof set, &set);
  if (error != 0) {
    throw std::system_error(error, std::generic_category(), fmt::format("pin to CPU {}", cpu));
  }
}

}  // namespace pipelab::platform
