#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <exception>
#include <iterator>
#include <new>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "command_line.hpp"
#include "load/offered.hpp"
#include "platform/clock.hpp"
#include "platform/interrupt.hpp"
#include "platform/memory.hpp"
#include "record/files.hpp"
#include "threads/record.hpp"
#include "version.hpp"
#include "workload.hpp"
#include "workloads/all.hpp"

namespace {

using namespace pipelab;

void require_memory(const Workload& workload, const Kit& kit) {
  constexpr double kMegabyte = 1e6;
  const double needed = workload.memory_bytes(kit) / kMegabyte;
  const double available = static_cast<double>(platform::available_memory_bytes()) / kMegabyte;
  if (needed > available) {
    throw std::runtime_error(
        fmt::format("this needs {:.0f} MB of memory, but {:.0f} MB are free: give a smaller {}",
                    needed, available, workload.memory_options()));
  }
}

/// Writes what a workload leaves to main().
void write(const Outcome& outcome, const Kit& kit, record::Files& files) {
  std::vector<record::Stat> stats{
      {"begin_ns", fmt::to_string(outcome.begin_ns)},
      {"duration_s", fmt::format("{:.9f}", platform::to_seconds(outcome.elapsed_ns))}};
  std::ranges::copy(outcome.stats, std::back_inserter(stats));
  stats.emplace_back("version", kVersion);
  files.write(stats);
  std::vector<std::string> threads;
  std::ranges::transform(outcome.threads, std::back_inserter(threads), threads::csv_line);
  files.write_threads(threads::kHeader, threads);
  files.write(outcome.series, load::offered(kit.load, outcome.series.ends_ns()));
}

int run(Workload& workload, const Kit& kit) try {
  std::atomic<bool>& stop = platform::stop_on_interrupt();
  require_memory(workload, kit);
  record::Files files(kit.record);
  if (files.any_pipe()) {
    platform::exit_soon_on_interrupt();
  }
  const Outcome outcome = workload.run(kit, files, stop);
  write(outcome, kit, files);
  return stop ? platform::kInterrupted : 0;
} catch (const std::bad_alloc&) {
  throw std::runtime_error(
      fmt::format("there is not enough memory: give a smaller {}", workload.memory_options()));
}

/// What may help where the kernel refuses, to stand behind what it says; empty where nobody knows.
std::string_view remedy(const std::error_code& error) {
  switch (error.value()) {
    case EACCES:
      return ": mend its permissions, or name another";
    case EPERM:
      return ": run it as root, or with a higher limit (ulimit -l for locked memory, -r for "
             "priorities)";
    case EAGAIN:
      return ": let fewer programs run, or raise the limit of processes (ulimit -u)";
    case ENOMEM:
      return ": free memory, or raise its limits (ulimit -l, -v)";
    case EBUSY:
      return ": another run writes it: wait for its end, or name another";
    case EMFILE:
      return ": raise the limit of open files (ulimit -n)";
    case ENOENT:
    case ENOTDIR:
      return ": make its folder first";
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
      return ": make room, or raise the limit of files (ulimit -f)";
    default:
      return "";
  }
}

/// One line on stderr, without throwing.
int fail(const char* reason) {
  static_cast<void>(std::fprintf(stderr, "pipelab: %s\n", reason));
  constexpr int kFailed = 1;
  return kFailed;
}

}  // namespace

int main(int argc, char** argv) {
  std::signal(SIGXFSZ, SIG_IGN);  // a file that may not grow is one that cannot be written
  try {
    const Parsed parsed = parse(argc, argv, kWorkloads);
    const int exit_code = parsed.workload ? run(*parsed.workload, parsed.kit) : parsed.exit_code;
    if (std::fflush(stdout) != 0 || std::ferror(stdout) != 0) {
      throw std::system_error(errno, std::generic_category(), "cannot write to standard output");
    }
    return exit_code;
  } catch (const std::system_error& error) {
    return fail(fmt::format("{}{}", error.what(), remedy(error.code())).c_str());
  } catch (const std::exception& error) {
    return fail(error.what());
  }
}
