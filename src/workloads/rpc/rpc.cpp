#include "workloads/rpc/rpc.hpp"

#include <fmt/format.h>

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "platform/clock.hpp"
#include "platform/cpu.hpp"
#include "platform/streams.hpp"
#include "record/figures.hpp"
#include "record/histogram.hpp"
#include "workloads/rpc/experiment.hpp"
#include "workloads/rpc/options.hpp"

namespace pipelab::rpc {
namespace {

using record::each;
using record::us;

/// Measured requests that had no result.
std::uint64_t failed(const Called& called) { return called.timeouts + called.failed + called.lost; }

/// Of requests that had a result, and of these results. All requests are about as long.
std::uint64_t answered_bytes(const Called& called, const Recorder& recorder) {
  const auto answered = static_cast<double>(recorder.items());
  const double all = answered + static_cast<double>(failed(called));
  return called.reply_bytes +
         static_cast<std::uint64_t>(
             all > 0 ? static_cast<double>(called.sent_bytes) * answered / all : 0);
}

double rate(std::uint64_t count, const Measured& measured) {
  return record::rate(count, measured.elapsed_ns);
}

/// What a request that has no reply yet takes: to be remembered, and over rings its buffers.
std::string pending_bytes(const Measured& measured, const Options& options) {
  const std::size_t bytes =
      measured.called.correlation_bytes + (options.has_stock() ? bytes_a_connection(options) : 0);
  const bool is_known = measured.called.correlation_bytes > 0;  // not under every sanitizer
  return is_known ? fmt::format("{:.1f}",
                                static_cast<double>(bytes) / static_cast<double>(options.window))
                  : "";
}

std::vector<record::Stat> totals(const Measured& measured, const Recorder& recorder,
                                 const Options& options) {
  const Called& called = measured.called;
  const Served& served = measured.served;
  const std::optional<platform::Nanoseconds> cpu_ns = threads::run_time_ns(measured.threads);
  const bool connects =
      options.transport == Transport::kUnix || options.transport == Transport::kTcp;
  const bool pools = options.has_stock();
  const auto of_pools = [&](double value) { return pools ? fmt::format("{}", value) : ""; };
  const auto buffers = static_cast<double>(called.tally.buffers + served.tally.buffers);
  const auto hits = static_cast<double>(called.tally.hits + served.tally.hits);
  return {
      {"items", fmt::to_string(recorder.items())},
      {"missed", fmt::to_string(called.missed)},
      {"failed", fmt::to_string(failed(called))},
      {"throughput_ops_s", fmt::to_string(rate(recorder.items(), measured))},
      {"throughput_bytes_s", fmt::to_string(rate(answered_bytes(called, recorder), measured))},
      {"cpu_time_us", threads::cpu_time_us(measured.threads, recorder.items())},
      {"cpu_share",
       cpu_ns && measured.counted_ns > 0
           ? fmt::format("{:.4f}", static_cast<double>(*cpu_ns) /
                                       static_cast<double>(measured.counted_ns) /
                                       static_cast<double>(platform::allowed_cpus().size()))
           : ""},
      {"connect_us", connects ? us(called.connect_ns) : ""},
      {"handshake_us", us(called.handshake_ns)},
      {"shutdown_us", called.ended_ns > 0 ? us(called.ended_ns - called.end_ns) : ""},
      {"connection_bytes", fmt::to_string(bytes_a_connection(options))},
      {"pending_bytes", pending_bytes(measured, options)},
      {"timeouts", fmt::to_string(called.timeouts)},
      {"lost", fmt::to_string(called.lost)},
      {"reconnect_us", called.reconnect_ns > 0 ? us(called.reconnect_ns) : ""},
      {"late_replies", fmt::to_string(called.late)},
      {"unknown_replies", fmt::to_string(called.unknown)},
      {"broken_replies", fmt::to_string(called.broken)},
      {"parse_errors", fmt::to_string(called.errors[0])},
      {"invalid_requests", fmt::to_string(called.errors[1])},
      {"unknown_methods", fmt::to_string(called.errors[2])},
      {"invalid_params", fmt::to_string(called.errors[3])},
      {"most_pending", fmt::to_string(called.most_pending)},
      {"system_calls", fmt::to_string(called.tally.system_calls + served.tally.system_calls)},
      {"pool_hits", pools && buffers > 0 ? fmt::format("{:.6f}", hits / buffers) : ""},
      {"pool_most_requests", of_pools(static_cast<double>(called.tally.most_out))},
      {"pool_most_replies", of_pools(static_cast<double>(served.tally.most_out))},
      {"pool_bytes", pools ? fmt::to_string(shared_bytes(options)) : ""},
      {"all_requests", fmt::to_string(called.sent)},
  };
}

double memory_bytes(const Options& options, const Kit& kit) {
  constexpr double kOfParsers = 8;  // times a message
  return static_cast<double>(shared_bytes(options)) +
         static_cast<double>(options.connections * bytes_a_connection(options)) +
         kOfParsers * static_cast<double>(options.most_request_bytes()) +
         static_cast<double>(kit.record.samples()) * sizeof(CallTimes) +
         Recorder::course_bytes(kit.intervals());
}

Outcome run(const Options& options, const Kit& kit, record::Files& files, std::atomic<bool>& stop) {
  Recorder recorder(kit.record.samples(), kit.record.sample_every, kit.intervals());
  const double clock_read_ns = platform::clock_read_cost_ns();
  platform::allow_files(options.files());
  const Measured measured = measure(kit, options, recorder, stop);
  const Called& called = measured.called;
  const record::Histogram& round_trip = recorder.histograms().front();
  constexpr double kMega = 1e6;
  fmt::print(
      "{:.3f} s: {} requests answered, {} failed, {} missed, {:.1f} a second, {:.1f} MB/s; round "
      "trip (us): p50 {}, p99 {}; a lookup (ns): p50 {}; clock read {:.1f} ns\n",
      platform::to_seconds(measured.elapsed_ns), recorder.items(), failed(called), called.missed,
      rate(recorder.items(), measured), rate(answered_bytes(called, recorder), measured) / kMega,
      us(round_trip, 0.50), us(round_trip, 0.99), called.lookup.value_at(0.50), clock_read_ns);

  const std::array others{record::NamedHistogram{"lookup", called.lookup}};
  files.write(recorder, measured.begin_ns, others);
  return {
      .begin_ns = measured.begin_ns,
      .elapsed_ns = measured.elapsed_ns,
      .stats = record::with_recorded(totals(measured, recorder, options), recorder, clock_read_ns),
      .threads = measured.threads,
      .series = recorder.series(measured.elapsed_ns)};
}

}  // namespace

std::unique_ptr<Workload> make() {
  return std::make_unique<WorkloadOf<Options>>(Parts<Options>{
      .description =
          "Sends JSON-RPC requests to a server, finds the request of each reply, and times it.",
      .add_options = add_options,
      .conflict = conflict,
      .memory_bytes = memory_bytes,
      .memory_options = "--window, --connections, --bytes, --batch or --max-samples",
      .run = run});
}

}  // namespace pipelab::rpc
