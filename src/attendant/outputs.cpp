#include "attendant/outputs.hpp"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <initializer_list>
#include <iterator>
#include <system_error>

#include "attendant/text_file.hpp"

namespace pipelab::attendant {
namespace {

constexpr std::size_t kMostRows = 100'000;

std::string plain(std::string_view name) {
  std::string shown(name);
  std::ranges::replace_if(
      shown, [](char each) { return each < ' ' || each > '~' || each == ',' || each == '"'; }, '_');
  return shown;
}

/// Copies up to `most_bytes`; how many, or nothing when there are more.
std::optional<std::int64_t> copy(int from, const std::string& name, std::int64_t most_bytes) {
  const int to = open(name.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0644);
  std::array<char, 65536> part{};
  std::int64_t bytes = 0;
  ssize_t got = 0;
  bool good = to >= 0;
  while (good && bytes <= most_bytes && (got = read(from, part.data(), part.size())) > 0) {
    bytes += got;
    good = bytes > most_bytes || write_all(to, {part.data(), static_cast<std::size_t>(got)});
  }
  const int error = errno;
  close(to);
  if (!good || got < 0) {
    throw std::system_error(error, std::generic_category(), name);
  }
  return bytes <= most_bytes ? std::optional(bytes) : std::nullopt;
}

/// Whether a regular file is open that is not also `name` in the current folder.
bool is_to_be_copied(int file, const std::string& name) {
  struct stat from {};
  struct stat to {};
  return fstat(file, &from) == 0 && S_ISREG(from.st_mode) &&
         (lstat(name.c_str(), &to) != 0 || from.st_dev != to.st_dev || from.st_ino != to.st_ino);
}

}  // namespace

std::optional<Region> parse_region(std::string_view text) {
  const std::vector<std::string_view> fields = fields_of(text);
  if (fields.size() != 2 || !text.ends_with('\n')) {
    return {};
  }
  const auto begin_ns = number_of(fields[0]);
  const auto end_ns = number_of(fields[1]);
  return begin_ns && end_ns && *begin_ns >= 0 && *end_ns > *begin_ns
             ? std::optional(Region{.begin_ns = *begin_ns, .end_ns = *end_ns})
             : std::nullopt;
}

std::map<int, std::int64_t> parse_busy_ns(std::string_view schedstat) {
  std::map<int, std::int64_t> busy;
  constexpr std::size_t kRunTime = 7;  // fields after the name
  while (!schedstat.empty()) {
    const std::size_t end = std::min(schedstat.find('\n'), schedstat.size() - 1);
    const std::vector<std::string_view> fields = fields_of(schedstat.substr(0, end));
    schedstat.remove_prefix(end + 1);
    if (fields.size() > kRunTime && fields[0].starts_with("cpu")) {
      const auto cpu = number_of(fields[0].substr(3));
      const auto run_time_ns = number_of(fields[kRunTime]);
      if (cpu && run_time_ns) {
        busy.emplace(static_cast<int>(*cpu), *run_time_ns);
      }
    }
  }
  return busy;
}

std::int64_t parse_count(std::string_view text, std::string_view name) {
  const std::vector<std::string_view> fields = fields_of(text);
  const auto place = std::ranges::find(fields, name);
  return fields.end() - place > 1 ? number_of(*std::next(place)).value_or(0) : 0;
}

std::string stats_csv(std::span<const std::pair<std::string, std::string>> stats) {
  std::string text = "key,value\n";
  for (const auto& [key, value] : stats) {
    text.append(key).append(",").append(value).append("\n");
  }
  return text;
}

std::string threads_csv(std::span<const Task> tasks) {
  std::string text =
      "thread,tid,role,cpu,voluntary_switches,involuntary_switches,migrations,run_delay_ns,cpu_ns,"
      "user_ns,system_ns,elapsed_ns\n";
  for (const Task& task : tasks.first(std::min(tasks.size(), kMostRows))) {
    text.append(plain(task.name)).append(",").append(std::to_string(task.tid)).append(",,,");
    text.append(std::to_string(task.voluntary_switches)).append(",");
    text.append(std::to_string(task.involuntary_switches)).append(",");
    for (const std::uint64_t time_ns :
         {task.run_delay_ns, task.cpu_ns, task.user_ns, task.system_ns, task.elapsed_ns}) {
      text.append(",").append(std::to_string(time_ns));
    }
    text += "\n";
  }
  return text;
}

int open_in(const std::string& root, const std::string& path) {
  const int folder = open(root.empty() ? "." : root.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC);
  open_how how{};
  how.flags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC;
  how.resolve = root.empty() ? 0 : RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS;
  const auto file = static_cast<int>(syscall(SYS_openat2, folder, path.c_str(), &how, sizeof how));
  close(folder);
  return file;
}

std::optional<std::string> keep(const std::string& root, const std::string& folder,
                                std::span<const std::string> names, std::int64_t most_mb) {
  std::int64_t left_bytes = most_mb << 20U;
  const std::string prefix = folder.empty() ? "" : folder + "/";
  for (const std::string& name : names) {
    const int file = open_in(root, prefix + name);
    std::optional<std::int64_t> bytes = 0;
    if (file >= 0 && is_to_be_copied(file, name)) {
      bytes = copy(file, name, left_bytes);
    }
    close(file);
    if (!bytes) {
      unlink(name.c_str());
      return name;
    }
    left_bytes -= *bytes;
  }
  return {};
}

}  // namespace pipelab::attendant
