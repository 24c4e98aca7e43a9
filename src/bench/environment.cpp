#include "bench/environment.hpp"

#include <fmt/format.h>
#include <sys/utsname.h>

#include <array>
#include <fstream>
#include <string>
#include <string_view>

#include "bench/built_with.hpp"
#include "bench/settings.hpp"
#include "record/csv.hpp"
#include "record/output_file.hpp"
#include "version.hpp"

namespace pipelab::bench {
namespace {

std::string host_cpu() {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);) {
    const std::size_t colon = line.find(": ");
    if (line.starts_with("model name") && colon != std::string::npos) {
      return line.substr(colon + 2);
    }
  }
  return "unknown";
}

std::string kernel() {
  utsname names{};
  return uname(&names) == 0 ? fmt::format("{} {}", names.sysname, names.release) : "unknown";
}

/// `text` as a CSV field, since the names of CPUs and the lists of packages may have commas.
std::string csv_field(std::string_view text) {
  std::string field = "\"";
  for (const char letter : text) {
    field += letter == '"' ? "\"\"" : std::string(1, letter);
  }
  return field + '"';
}

}  // namespace

void write_environment(const Options& options, const CpuPair& cpus, const Tally& tally) {
  if (options.environment_path.empty()) {
    return;
  }
  const std::array<record::Stat, 14> facts{{
      {"version", std::string(kVersion)},
      {"matrix", options.quick ? "quick" : "full"},
      {"seed", fmt::to_string(options.seed)},
      {"length_s", fmt::to_string(options.length_s())},
      {"rounds", fmt::to_string(tally.rounds)},
      {"samples", fmt::to_string(tally.samples)},
      {"samples_moved", fmt::to_string(tally.moved)},
      {"samples_disturbed", fmt::to_string(tally.disturbed)},
      {"cpus", fmt::format("{} and {}", cpus.first, cpus.second)},
      {"host_cpu", csv_field(host_cpu())},
      {"kernel", csv_field(kernel())},
      {"compiler", csv_field(kCompiler)},
      {"packages", csv_field(kPackages)},
      {"atomic_queue", fmt::format("MINIMIZE_CONTENTION={}", kMinimizeContention)},
  }};
  record::write_stats(record::OutputFile(options.environment_path), facts);
}

}  // namespace pipelab::bench
