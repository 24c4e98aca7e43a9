#include "attendant/calls.hpp"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstddef>
#include <optional>
#include <vector>

#include "attendant/text_file.hpp"

namespace pipelab::attendant {
namespace {

constexpr const char* kTracing = "/sys/kernel/tracing";
constexpr const char* kSynthetic = "/sys/kernel/tracing/synthetic_events";
// Apart from what else is traced: a histogram with times changes how its instance keeps its events.
constexpr const char* kInstance = "/sys/kernel/tracing/instances/calls";
constexpr const char* kEnter =
    "/sys/kernel/tracing/instances/calls/events/raw_syscalls/sys_enter/trigger";
constexpr const char* kExit =
    "/sys/kernel/tracing/instances/calls/events/raw_syscalls/sys_exit/trigger";
constexpr const char* kMade = "/sys/kernel/tracing/instances/calls/events/synthetic/calls/trigger";
constexpr const char* kHistogram =
    "/sys/kernel/tracing/instances/calls/events/synthetic/calls/hist";
constexpr std::string_view kEntered = "hist:keys=common_pid:begin=common_timestamp:size=4096";
constexpr std::string_view kExited =
    "hist:keys=common_pid:id=id:ns=common_timestamp-$begin:onmatch(raw_syscalls.sys_enter)"
    ".trace(calls,$id,$ns)";

/// The kernel takes each of its files' lines in one write.
bool tell(const char* path, std::string_view line) {
  const int file = open(path, O_WRONLY | O_CLOEXEC);
  const bool told = file >= 0 && write_all(file, line);
  close(file);
  return told;
}

bool mounted() { return mount("tracefs", kTracing, "tracefs", 0, nullptr) == 0; }

}  // namespace

std::string parse_calls(std::string_view histogram) {
  std::string text = "tid,call,count,total_ns\n";
  while (!histogram.empty()) {
    const std::size_t end = histogram.find('\n');
    const std::vector<std::string_view> fields = fields_of(histogram.substr(0, end));
    histogram.remove_prefix(end == std::string_view::npos ? histogram.size() : end + 1);
    // { common_pid: 92, id: 226 } hitcount: 1 ns: 15040
    if (fields.size() != 10 || fields[0] != "{" || fields[3] != "id:") {
      continue;
    }
    const auto tid = number_of(fields[2].substr(0, fields[2].size() - 1));
    const auto call = number_of(fields[4]);
    const auto count = number_of(fields[7]);
    const auto total_ns = number_of(fields[9]);
    if (tid && call && count && total_ns) {  // a call that was skipped has -1, shown without a sign
      text += std::to_string(*tid) + ',' + std::to_string(*call) + ',' + std::to_string(*count) +
              ',' + std::to_string(*total_ns) + '\n';
    }
  }
  return text;
}

Calls::Calls()
    : counted_(mounted() && tell(kSynthetic, "calls long id; u64 ns\n") &&
               mkdir(kInstance, 0755) == 0 && tell(kEnter, kEntered) && tell(kExit, kExited) &&
               tell(kMade, "hist:keys=common_pid,id:vals=hitcount,ns:size=16384")) {}

std::string Calls::text() const {
  if (!counted_) {
    return {};
  }
  tell(kExit, "!" + std::string(kExited));
  constexpr std::size_t kMostBytes = std::size_t{1} << 24;
  return parse_calls(content_of(kHistogram, kMostBytes));
}

}  // namespace pipelab::attendant
