#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "attendant/taskstats.hpp"
#include "platform/clock.hpp"

namespace pipelab::attendant {

/// A part of the program's life that it measured itself, on CLOCK_MONOTONIC.
struct Region {
  platform::Nanoseconds begin_ns;
  platform::Nanoseconds end_ns;
};

/// Reads what pipelab_marker.h left: two lines, each a whole number, the second of them greater.
std::optional<Region> parse_region(std::string_view text);

/// How long each CPU ran other than its idle task, as /proc/schedstat says; by CPU.
std::map<int, std::int64_t> parse_busy_ns(std::string_view schedstat);

/// The number of the line `name NUMBER` of a file such as /proc/vmstat; 0 where there is none.
std::int64_t parse_count(std::string_view text, std::string_view name);

/// `key,value` lines under that header.
std::string stats_csv(std::span<const std::pair<std::string, std::string>> stats);

/// A line a task, at most 100,000, under a header. What the kernel does not tell is empty.
std::string threads_csv(std::span<const Task> tasks);

/// Opens a file to read it, as a program in `root` finds `path`; "" is this process's own root. No
/// link in it leads out of the root, and the last part is none. A descriptor, or -1.
int open_in(const std::string& root, const std::string& path);

/// Copies regular files named `names` of `folder` in `root` into the current folder, up to
/// `most_mb` in all; leaves out what is not there. The name of the first that is too large, if one
/// is. Throws std::system_error, naming a file that cannot be written.
std::optional<std::string> keep(const std::string& root, const std::string& folder,
                                std::span<const std::string> names, std::int64_t most_mb);

}  // namespace pipelab::attendant
