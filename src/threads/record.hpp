#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "platform/clock.hpp"
#include "platform/thread_counters.hpp"

namespace pipelab::threads {

/// What became of a thread.
struct Record {
  std::string name;
  std::string role;
  pid_t tid{0};
  std::optional<int> cpu{};             ///< that it was on at the end of its measured part
  platform::ThreadCounters counters{};  ///< what the kernel counted since just before that part
};

/// The header of a CSV file of records.
inline constexpr std::string_view kHeader =
    "thread,tid,role,cpu,voluntary_switches,involuntary_switches,migrations,page_faults,"
    "run_delay_ns,run_time_ns,user_ns,system_ns";

/// A line of it. What the kernel does not tell is empty.
std::string csv_line(const Record& record);

/// The CPU time of all threads in their measured parts; none where the kernel does not tell.
std::optional<platform::Nanoseconds> run_time_ns(const std::vector<Record>& threads);

/// The same over `count` items, in microseconds; empty where it is not known, or there were none.
std::string cpu_time_us(const std::vector<Record>& threads, std::uint64_t count);

}  // namespace pipelab::threads
