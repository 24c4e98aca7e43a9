#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <csignal>
#include <cstdio>
#include <exception>
#include <new>
#include <optional>

#include "platform/clock.hpp"
#include "record/csv.hpp"
#include "record/output_file.hpp"
#include "record/recorder.hpp"
#include "workloads/pipeline/experiment.hpp"
#include "workloads/pipeline/options.hpp"
#include "workloads/pipeline/summary.hpp"

namespace {

using pipelab::pipeline::Options;
using pipelab::pipeline::Outcome;
using pipelab::record::OutputFile;
using pipelab::record::Recorder;

constexpr int kFailed = 1;
constexpr int kInterrupted = 130;

std::atomic<bool> stop_requested{false};
static_assert(std::atomic<bool>::is_always_lock_free, "a signal handler sets it");

// Whether a pipe gets some of what was measured, and may have no reader that takes it.
std::atomic<bool> writes_to_pipe{false};
constexpr unsigned kPatienceS = 1;

void request_stop(int /*signal*/) {
  stop_requested.store(true, std::memory_order_relaxed);
  if (writes_to_pipe.load(std::memory_order_relaxed)) {
    alarm(kPatienceS);
  }
}

void give_up(int /*signal*/) { _exit(kInterrupted); }

/// The files that the options ask for, begun before anything is measured.
struct Outputs {
  std::optional<OutputFile> latencies;
  std::optional<OutputFile> histogram;
  std::optional<OutputFile> stats;

  bool any_pipe() const {
    const auto is_pipe = [](const auto& output) { return output && output->is_pipe(); };
    return is_pipe(latencies) || is_pipe(histogram) || is_pipe(stats);
  }
};

Outputs begin_outputs(const Options& options) {
  const auto begin = [](const std::string& path) {
    return path.empty() ? std::optional<OutputFile>{} : std::optional<OutputFile>{path};
  };
  return {.latencies = begin(options.latencies_path),
          .histogram = begin(options.histogram_path),
          .stats = begin(options.stats_path)};
}

void write(Outputs outputs, const Recorder& recorder, const Outcome& outcome,
           double clock_read_ns) {
  using namespace pipelab::record;
  if (outputs.latencies) {
    write_latencies(*std::move(outputs.latencies), recorder.samples(), recorder.sample_every(),
                    outcome.begin_ns);
  }
  const std::array<NamedHistogram, 2> histograms{
      {{"latency", recorder.latency()}, {"response", recorder.response()}}};
  if (outputs.histogram) {
    write_histograms(*std::move(outputs.histogram), histograms);
  }
  if (outputs.stats) {
    write_stats(*std::move(outputs.stats),
                pipelab::pipeline::totals(outcome, recorder, clock_read_ns));
  }
}

int run(const Options& options) {
  std::signal(SIGINT, request_stop);
  std::signal(SIGTERM, request_stop);
  std::signal(SIGALRM, give_up);
  pipelab::pipeline::require_memory(options);
  Outputs outputs = begin_outputs(options);
  writes_to_pipe = outputs.any_pipe();
  Recorder recorder(options.latencies_path.empty() ? 0 : options.max_samples, options.sample_every);
  const double clock_read_ns = pipelab::platform::clock_read_cost_ns();
  const Outcome outcome = pipelab::pipeline::run(options, recorder, stop_requested);
  fmt::print("{}", pipelab::pipeline::summary(outcome, recorder, clock_read_ns));
  write(std::move(outputs), recorder, outcome, clock_read_ns);
  return stop_requested ? kInterrupted : 0;
}

/// One line on stderr, without throwing.
int fail(const char* reason) {
  static_cast<void>(std::fprintf(stderr, "pipelab: %s\n", reason));
  return kFailed;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    const pipelab::pipeline::Parsed parsed = pipelab::pipeline::parse(argc, argv);
    return parsed.options ? run(*parsed.options) : parsed.exit_code;
  } catch (const std::bad_alloc&) {
    return fail(
        "there is not enough memory: give a smaller --queue-cap, --item-bytes, "
        "--work-bytes or --max-samples");
  } catch (const std::exception& error) {
    return fail(error.what());
  }
}
