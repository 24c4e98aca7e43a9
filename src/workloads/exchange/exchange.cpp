#include "workloads/exchange/exchange.hpp"

#include <fmt/format.h>

#include <cstdint>
#include <numeric>
#include <optional>

#include "platform/clock.hpp"
#include "record/fairness.hpp"
#include "workloads/exchange/experiment.hpp"
#include "workloads/exchange/options.hpp"

namespace pipelab::exchange {
namespace {

/// `value` over as many; 0 where there are none.
double over(double value, std::uint64_t count) {
  return count > 0 ? value / static_cast<double>(count) : 0;
}

/// CPU time of all threads; empty where the kernel does not tell.
std::string cpu_time_us(const Measured& measured, std::uint64_t calls) {
  const std::optional<platform::Nanoseconds> all_ns = threads::run_time_ns(measured.threads);
  return all_ns ? fmt::format("{:.4f}", over(static_cast<double>(*all_ns) / 1e3, calls)) : "";
}

class Exchange : public Workload {
 public:
  std::string_view description() const override;
  void add_options(cli::Options& all) override;
  std::string conflict(const Kit& kit) const override;
  double memory_bytes(const Kit& kit) const override;
  std::string_view memory_options() const override;
  Outcome run(const Kit& kit, record::Files& files, std::atomic<bool>& stop) override;

 private:
  Options options_;
};

}  // namespace

std::string_view Exchange::description() const {
  return "Calls responders through memory that both sides share, and times each call.";
}

void Exchange::add_options(cli::Options& all) { exchange::add_options(all, options_); }

std::string Exchange::conflict(const Kit& kit) const { return exchange::conflict(options_, kit); }

double Exchange::memory_bytes(const Kit& kit) const {
  return static_cast<double>(shared_bytes(kit, options_)) +
         2 * static_cast<double>(kit.record.samples()) * sizeof(CallTimes) +
         static_cast<double>(options_.pairs + 1) * Recorder::course_bytes(kit.intervals());
}

std::string_view Exchange::memory_options() const { return "--pairs or --max-samples"; }

Outcome Exchange::run(const Kit& kit, record::Files& files, std::atomic<bool>& stop) {
  Recorder recorder(0, kit.record.sample_every, kit.intervals());
  const double clock_read_ns = platform::clock_read_cost_ns();
  const Measured measured = measure(kit, options_, recorder, stop);
  const std::uint64_t calls = recorder.items();
  const double elapsed_s = platform::to_seconds(measured.elapsed_ns);
  const double throughput = elapsed_s > 0 ? static_cast<double>(calls) / elapsed_s : 0;
  const double mean_ns = over(static_cast<double>(measured.round_trips_ns), calls);
  const Tally& tally = measured.account.tally;

  const auto us = [&](double quantile) {
    return static_cast<double>(recorder.histograms().front().value_at(quantile)) / 1e3;
  };
  fmt::print(
      "{:.3f} s: {} calls, {:.1f} a second; a round trip (us): mean {:.3f}, p50 {:.3f}, p95 "
      "{:.3f}, p99 {:.3f}; clock read {:.1f} ns{}\n",
      elapsed_s, calls, throughput, mean_ns / 1e3, us(0.50), us(0.95), us(0.99), clock_read_ns,
      options_.pairs > 1 ? fmt::format("; fairness over {} pairs {:.0f} %", options_.pairs,
                                       100 * record::fairness(measured.calls))
                         : "");

  files.write(recorder, measured.begin_ns);
  return {.begin_ns = measured.begin_ns,
          .elapsed_ns = measured.elapsed_ns,
          .stats = {{"items", fmt::to_string(calls)},
                    {"missed", fmt::to_string(measured.missed)},
                    {"throughput_ops_s", fmt::to_string(throughput)},
                    {"round_trip_mean_us", fmt::format("{:.4f}", mean_ns / 1e3)},
                    {"cycle_us", fmt::format("{:.4f}", over(elapsed_s * 1e6, calls) *
                                                           static_cast<double>(options_.pairs))},
                    {"fairness", fmt::format("{:.4f}", record::fairness(measured.calls))},
                    {"cpu_time_us", cpu_time_us(measured, calls)},
                    {"parks", fmt::to_string(tally.parks)},
                    {"wakes", fmt::to_string(tally.wakes)},
                    {"system_calls", fmt::to_string(tally.system_calls)},
                    {"late_finds", fmt::to_string(tally.late_finds)},
                    {"failed", fmt::to_string(std::accumulate(measured.failed.begin(),
                                                              measured.failed.end(), 0ULL))},
                    {"failed_died", fmt::to_string(measured.failed[0])},
                    {"failed_late", fmt::to_string(measured.failed[1])},
                    {"failed_broken", fmt::to_string(measured.failed[2])},
                    {"refused", fmt::to_string(measured.account.refused)},
                    {"notice_us",
                     measured.notice_ns
                         ? fmt::format("{:.3f}", static_cast<double>(*measured.notice_ns) / 1e3)
                         : ""},
                    {"all_calls", fmt::to_string(measured.account.calls)},
                    {"clipped", fmt::to_string(recorder.clipped())},
                    {"samples", fmt::to_string(recorder.samples().size())},
                    {"clock_read_ns", fmt::format("{:.1f}", clock_read_ns)}},
          .threads = measured.threads,
          .series = recorder.series(measured.elapsed_ns)};
}

std::unique_ptr<Workload> make() { return std::make_unique<Exchange>(); }

}  // namespace pipelab::exchange
