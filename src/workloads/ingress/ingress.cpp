#include "workloads/ingress/ingress.hpp"

#include <fmt/format.h>

#include <array>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "platform/clock.hpp"
#include "record/fairness.hpp"
#include "record/histogram.hpp"
#include "workloads/ingress/experiment.hpp"
#include "workloads/ingress/options.hpp"

namespace pipelab::ingress {
namespace {

/// `value` over as many; empty where there are none.
std::string over(double value, std::uint64_t count) {
  return count > 0 ? fmt::format("{:.4f}", value / static_cast<double>(count)) : "";
}

double in_us(const record::Histogram& histogram, double quantile) {
  return static_cast<double>(histogram.value_at(quantile)) / 1e3;
}

/// The same as text; empty where nothing was counted.
std::string us(const record::Histogram& histogram, double quantile) {
  return histogram.total() > 0 ? fmt::format("{:.3f}", in_us(histogram, quantile)) : "";
}

std::vector<record::Stat> totals(const Measured& measured, const Recorder& recorder,
                                 double clock_read_ns) {
  const Submitted& submitted = measured.submitted;
  const std::uint64_t tasks = recorder.items();
  const std::uint64_t made = tasks + submitted.dropped;
  const double elapsed_s = platform::to_seconds(measured.elapsed_ns);
  const std::optional<platform::Nanoseconds> cpu_ns = threads::run_time_ns(measured.threads);
  return {
      {"items", fmt::to_string(tasks)},
      {"dropped", fmt::to_string(submitted.dropped)},
      {"missed", fmt::to_string(submitted.missed)},
      {"throughput_ops_s",
       elapsed_s > 0 ? fmt::to_string(static_cast<double>(tasks) / elapsed_s) : "0"},
      {"drop_rate", made > 0 ? over(static_cast<double>(submitted.dropped), made) : "0"},
      {"cpu_time_us", cpu_ns ? over(static_cast<double>(*cpu_ns) / 1e3, tasks) : ""},
      {"wakes_per_task", over(static_cast<double>(measured.wakes), submitted.all)},
      {"batch_mean", over(static_cast<double>(tasks), measured.turns.turns)},
      {"batch_max", fmt::to_string(measured.turns.most_tasks)},
      {"depth_mean", elapsed_s > 0
                         ? fmt::format("{:.4f}", static_cast<double>(measured.waited_ns) /
                                                     static_cast<double>(measured.elapsed_ns))
                         : ""},
      {"fairness", fmt::format("{:.4f}", record::fairness(measured.tasks))},
      {"queue_bytes", fmt::to_string(measured.queue_bytes)},
      {"thrown", fmt::to_string(measured.thrown)},
      {"turn_p99_us", us(measured.turns.turn, 0.99)},
      {"burst_p50_us", submitted.burst ? us(*submitted.burst, 0.50) : ""},
      {"burst_p99_us", submitted.burst ? us(*submitted.burst, 0.99) : ""},
      {"bursts", submitted.burst ? fmt::to_string(submitted.burst->total()) : ""},
      {"wakes", fmt::to_string(measured.wakes)},
      {"sleeps", fmt::to_string(measured.sleeps)},
      {"all_tasks", fmt::to_string(submitted.all)},
      {"clipped", fmt::to_string(recorder.clipped())},
      {"samples", fmt::to_string(recorder.samples().size())},
      {"clock_read_ns", fmt::format("{:.1f}", clock_read_ns)},
  };
}

class Ingress : public Workload {
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

std::string_view Ingress::description() const {
  return "Hands tasks from many producer threads to one event loop and times each of them.";
}

void Ingress::add_options(cli::Options& all) { ingress::add_options(all, options_); }

std::string Ingress::conflict(const Kit& kit) const { return ingress::conflict(options_, kit); }

double Ingress::memory_bytes(const Kit& kit) const {
  constexpr double kMostOfATask = 256;  // in any queue
  constexpr double kHistogram = 350'000;
  const auto producers = static_cast<double>(options_.producers);
  return producers * static_cast<double>(options_.share()) * kMostOfATask +
         producers * kHistogram * (options_.burst > 0 ? 2 : 1) +
         static_cast<double>(kit.record.samples()) * sizeof(TaskTimes) +
         Recorder::course_bytes(kit.intervals());
}

std::string_view Ingress::memory_options() const { return "--bound, --producers or --max-samples"; }

Outcome Ingress::run(const Kit& kit, record::Files& files, std::atomic<bool>& stop) {
  Recorder recorder(kit.record.samples(), kit.record.sample_every, kit.intervals());
  const double clock_read_ns = platform::clock_read_cost_ns();
  const Measured measured = measure(kit, options_, recorder, stop);
  const record::Histogram& submit = measured.submitted.submit;
  const record::Histogram& latency = recorder.histograms().front();
  fmt::print(
      "{:.3f} s: {} tasks done, {} dropped, {:.1f} a second; p50 and p99 (us): submit {:.3f} and "
      "{:.3f}, until it started {:.3f} and {:.3f}; clock read {:.1f} ns\n",
      platform::to_seconds(measured.elapsed_ns), recorder.items(), measured.submitted.dropped,
      measured.elapsed_ns > 0
          ? static_cast<double>(recorder.items()) / platform::to_seconds(measured.elapsed_ns)
          : 0,
      in_us(submit, 0.50), in_us(submit, 0.99), in_us(latency, 0.50), in_us(latency, 0.99),
      clock_read_ns);

  const std::array others{record::NamedHistogram{"submit", submit}};
  files.write(recorder, measured.begin_ns, others);
  record::Series series = recorder.series(measured.elapsed_ns);
  series.add_failed(measured.submitted.drops.counts());
  return {.begin_ns = measured.begin_ns,
          .elapsed_ns = measured.elapsed_ns,
          .stats = totals(measured, recorder, clock_read_ns),
          .threads = measured.threads,
          .series = std::move(series)};
}

std::unique_ptr<Workload> make() { return std::make_unique<Ingress>(); }

}  // namespace pipelab::ingress
