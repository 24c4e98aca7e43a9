#include <fmt/format.h>

#include <array>
#include <atomic>
#include <csignal>
#include <cstdio>
#include <exception>

#include "pipeline/experiment.hpp"
#include "pipeline/options.hpp"
#include "platform/clock.hpp"
#include "record/csv.hpp"
#include "record/hlog.hpp"
#include "record/recorder.hpp"
#include "version.hpp"

namespace {

using pipelab::pipeline::Options;
using pipelab::pipeline::Outcome;
using pipelab::record::Recorder;

constexpr int kFailed = 1;
constexpr int kInterrupted = 130;

std::atomic<bool> stop_requested{false};
static_assert(std::atomic<bool>::is_always_lock_free, "a signal handler sets it");

void request_stop(int /*signal*/) { stop_requested.store(true, std::memory_order_relaxed); }

double seconds(pipelab::platform::Nanoseconds time_ns) {
  return static_cast<double>(time_ns) / pipelab::platform::kNanosecondsPerSecond;
}

void write_files(const Options& options, const Recorder& recorder, const Outcome& outcome,
                 double clock_read_ns) {
  if (!options.latencies_path.empty()) {
    pipelab::record::write_latencies(options.latencies_path, recorder.samples(), outcome.begin_ns);
  }
  const std::array<pipelab::record::NamedHistogram, 2> histograms{
      {{"latency", recorder.latency()}, {"response", recorder.response()}}};
  if (!options.histogram_path.empty()) {
    pipelab::record::write_histograms(options.histogram_path, histograms);
  }
  if (!options.hlog_path.empty()) {
    pipelab::record::write_hlog(options.hlog_path, histograms, 0, seconds(outcome.elapsed_ns));
  }
  if (!options.stats_path.empty()) {
    const std::array<pipelab::record::Stat, 7> stats{{
        {"produced", fmt::to_string(outcome.production.produced)},
        {"consumed", fmt::to_string(recorder.items())},
        {"dropped", fmt::to_string(outcome.production.dropped)},
        {"duration_s", fmt::format("{:.9f}", seconds(outcome.elapsed_ns))},
        {"latencies_kept", fmt::to_string(recorder.samples().size())},
        {"clock_read_ns", fmt::format("{:.1f}", clock_read_ns)},
        {"version", std::string(pipelab::kVersion)},
    }};
    pipelab::record::write_stats(options.stats_path, stats);
  }
}

void print_summary(const Recorder& recorder, const Outcome& outcome, double clock_read_ns) {
  const auto us = [](std::uint64_t time_ns) { return static_cast<double>(time_ns) / 1000; };
  const auto& [produced, dropped] = outcome.production;
  fmt::print("{:.3f} s: {} produced, {} consumed, {} dropped, {:.1f} ops/s; clock read {:.1f} ns\n",
             seconds(outcome.elapsed_ns), produced, recorder.items(), dropped,
             static_cast<double>(recorder.items()) / seconds(outcome.elapsed_ns), clock_read_ns);
  fmt::print("{:9} {:>12} {:>12} {:>12}\n", "", "p50 (us)", "p95 (us)", "p99 (us)");
  for (const auto& [name, histogram] :
       {std::pair{"latency", &recorder.latency()}, std::pair{"response", &recorder.response()}}) {
    fmt::print("{:9} {:12.3f} {:12.3f} {:12.3f}\n", name, us(histogram->value_at(0.50)),
               us(histogram->value_at(0.95)), us(histogram->value_at(0.99)));
  }
}

int run(const Options& options) {
  std::signal(SIGINT, request_stop);
  std::signal(SIGTERM, request_stop);
  Recorder recorder(options.latencies_path.empty() ? 0 : options.max_samples);
  const double clock_read_ns = pipelab::platform::clock_read_cost_ns();
  const Outcome outcome = pipelab::pipeline::run(options, recorder, stop_requested);
  write_files(options, recorder, outcome, clock_read_ns);
  print_summary(recorder, outcome, clock_read_ns);
  return stop_requested ? kInterrupted : 0;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    const pipelab::pipeline::Parsed parsed = pipelab::pipeline::parse(argc, argv);
    return parsed.options ? run(*parsed.options) : parsed.exit_code;
  } catch (const std::exception& error) {
    static_cast<void>(std::fprintf(stderr, "pipelab: %s\n", error.what()));  // does not throw
    return kFailed;
  }
}
