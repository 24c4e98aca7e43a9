#include "platform/thread_counters.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <charconv>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

namespace pipelab::platform {
namespace {

/// Empty when there is no such file, and when its thread ends while it is read.
std::string content_of(const std::string& path) {
  std::ostringstream content;
  content << std::ifstream(path).rdbuf();
  return content.str();
}

std::optional<std::int64_t> number(std::string_view text) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc{} ? std::optional(value) : std::nullopt;
}

/// The number behind the line of `text` that begins with `name`, a colon and blanks.
std::optional<std::int64_t> field(std::string_view text, std::string_view name) {
  std::size_t place = text.find(name);
  place = place == std::string_view::npos ? place : text.find(':', place);
  place = place == std::string_view::npos ? place : text.find_first_of("0123456789", place);
  return place == std::string_view::npos ? std::nullopt : number(text.substr(place));
}

/// The fields of a line of /proc/.../stat (proc(5)) from the third on: before it stands a name that
/// may hold anything.
std::vector<std::string> stat_fields(const std::string& line) {
  const std::size_t name_end = line.rfind(')');
  if (name_end == std::string::npos) {
    return {};
  }
  std::istringstream rest(line.substr(name_end + 1));
  return {std::istream_iterator<std::string>(rest), {}};
}

std::optional<std::int64_t> difference(std::optional<std::int64_t> after,
                                       std::optional<std::int64_t> before) noexcept {
  return after && before ? std::optional(*after - *before) : std::nullopt;
}

}  // namespace

ThreadCounters ThreadCounters::since(const ThreadCounters& before) const noexcept {
  return {.voluntary_switches = difference(voluntary_switches, before.voluntary_switches),
          .involuntary_switches = difference(involuntary_switches, before.involuntary_switches),
          .migrations = difference(migrations, before.migrations),
          .page_faults = difference(page_faults, before.page_faults),
          .run_delay_ns = difference(run_delay_ns, before.run_delay_ns),
          .run_time_ns = difference(run_time_ns, before.run_time_ns),
          .user_ns = difference(user_ns, before.user_ns),
          .system_ns = difference(system_ns, before.system_ns)};
}

ThreadCounters read_thread_counters(pid_t tid) {
  const std::string folder = fmt::format("/proc/{0}/task/{0}/", tid);
  ThreadCounters counters;

  const std::string status = content_of(folder + "status");
  // The first name ends with the second.
  counters.involuntary_switches = field(status, "nonvoluntary_ctxt_switches");
  counters.voluntary_switches = field(status, "\nvoluntary_ctxt_switches");

  const std::string sched = content_of(folder + "sched");
  counters.migrations = field(sched, "nr_migrations");

  std::istringstream schedstat(content_of(folder + "schedstat"));
  std::int64_t run_time_ns = 0;
  std::int64_t run_delay_ns = 0;
  if (schedstat >> run_time_ns >> run_delay_ns) {
    counters.run_time_ns = run_time_ns;
    counters.run_delay_ns = run_delay_ns;
  }

  // Places in proc(5), counted from its field 3.
  constexpr std::size_t kMinorFaults = 10 - 3;
  constexpr std::size_t kMajorFaults = 12 - 3;
  constexpr std::size_t kUserTicks = 14 - 3;
  constexpr std::size_t kSystemTicks = 15 - 3;
  const std::vector<std::string> fields = stat_fields(content_of(folder + "stat"));
  if (fields.size() > kSystemTicks) {
    const std::int64_t tick_ns = kNanosecondsPerSecond / sysconf(_SC_CLK_TCK);
    counters.page_faults =
        number(fields[kMinorFaults]).value_or(0) + number(fields[kMajorFaults]).value_or(0);
    counters.user_ns = number(fields[kUserTicks]).value_or(0) * tick_ns;
    counters.system_ns = number(fields[kSystemTicks]).value_or(0) * tick_ns;
  }
  return counters;
}

std::optional<int> last_cpu(pid_t tid) {
  constexpr std::size_t kProcessor = 39 - 3;
  const std::vector<std::string> fields =
      stat_fields(content_of(fmt::format("/proc/{0}/task/{0}/stat", tid)));
  return fields.size() > kProcessor ? number(fields[kProcessor]) : std::nullopt;
}

pid_t this_thread_id() noexcept { return gettid(); }

}  // namespace pipelab::platform
