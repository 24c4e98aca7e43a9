#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <cstdio>
#include <exception>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "bench/cell.hpp"
#include "bench/environment.hpp"
#include "bench/options.hpp"
#include "bench/rounds.hpp"
#include "bench/samples_file.hpp"
#include "platform/cpu.hpp"

namespace {

using pipelab::bench::Cell;
using pipelab::bench::CpuPair;
using pipelab::bench::Options;

constexpr int kFailed = 1;
constexpr int kUsageError = 2;
constexpr int kInterrupted = 130;

std::atomic<bool> stop_requested{false};
static_assert(std::atomic<bool>::is_always_lock_free, "a signal handler sets it");

void request_stop(int /*signal*/) { stop_requested.store(true); }

/// The cells that the options ask for; none, with a line on stderr, where a work has no such name.
std::vector<Cell> cells_of(const Options& options) {
  std::vector<Cell> cells = pipelab::bench::matrix(options.quick);
  if (options.works.empty()) {
    return cells;
  }
  std::set<std::string_view> works;
  for (const Cell& cell : cells) {
    works.insert(cell.work);
  }
  for (const std::string& work : options.works) {
    if (!works.contains(work)) {
      fmt::print(stderr, "pipelab_bench: --work: there is no '{}': give some of {}\n", work,
                 fmt::join(works, ","));
      return {};
    }
  }
  std::erase_if(cells, [&](const Cell& cell) {
    return std::ranges::find(options.works, cell.work) == options.works.end();
  });
  return cells;
}

int run(const Options& options) {
  const std::vector<Cell> cells = cells_of(options);
  if (cells.empty()) {
    return kUsageError;
  }
  const std::vector<int> allowed = pipelab::platform::scheduled_cpus();
  if (allowed.size() < 2) {
    fmt::print(stderr, "pipelab_bench: only CPU {} is allowed: run it where there are two\n",
               pipelab::platform::cpu_list(allowed));
    return kFailed;
  }
  std::signal(SIGINT, request_stop);
  std::signal(SIGTERM, request_stop);
  const CpuPair cpus = options.cpus.value_or(CpuPair{.first = allowed[0], .second = allowed[1]});
  pipelab::bench::SamplesFile file(options.samples_path, options.seed);
  write_environment(options, cpus, {});  // so that it is there even if the run is killed
  const pipelab::bench::Tally tally =
      run(cells,
          {.cpus = cpus,
           .seed = options.seed,
           .length_ns = static_cast<pipelab::platform::Nanoseconds>(
               options.length_s() * pipelab::platform::kNanosecondsPerSecond)},
          file, stop_requested);
  file.close();
  write_environment(options, cpus, tally);
  fmt::print(
      "{} samples in {} rounds; {} more dropped as the CPUs' placement changed, {} as other "
      "programs took a CPU\n",
      tally.samples, tally.rounds, tally.moved, tally.disturbed);
  return stop_requested.load() ? kInterrupted : 0;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    const pipelab::bench::Parsed parsed = pipelab::bench::parse(argc, argv);
    return parsed.options ? run(*parsed.options) : parsed.exit_code;
  } catch (const std::exception& error) {
    static_cast<void>(std::fprintf(stderr, "pipelab_bench: %s\n", error.what()));
    return kFailed;
  }
}
