#include "workloads/feed/feed.hpp"

#include <fmt/format.h>

#include <cstddef>
#include <cstdint>
#include <vector>

#include "platform/clock.hpp"
#include "platform/cpu.hpp"
#include "platform/streams.hpp"
#include "record/figures.hpp"
#include "record/histogram.hpp"
#include "workloads/feed/experiment.hpp"
#include "workloads/feed/options.hpp"

namespace pipelab::feed {
namespace {

using record::each;

double rate(std::uint64_t count, const Measured& measured) {
  return record::rate(count, measured.elapsed_ns);
}

std::vector<record::Stat> totals(const Measured& measured, const Recorder& recorder,
                                 const Options& options) {
  const Served& served = measured.served;
  const Received& received = measured.received;
  const std::uint64_t came = received.messages + received.snapshot;
  const auto back = [&](platform::Nanoseconds time_ns) {
    return each(static_cast<double>(time_ns) / 1e3, received.reconnects, 3);
  };
  return {
      {"items", fmt::to_string(recorder.items())},
      {"messages", fmt::to_string(served.measured)},
      {"missed", fmt::to_string(served.missed)},
      {"throughput_ops_s", fmt::to_string(rate(recorder.items(), measured))},
      {"messages_ops_s", fmt::to_string(rate(served.measured, measured))},
      {"throughput_bytes_s", fmt::to_string(rate(recorder.items() * frame::kBytes, measured))},
      {"cpu_time_us", threads::cpu_time_us(measured.threads, recorder.items())},
      {"calls_a_delivery",
       each(static_cast<double>(served.system_calls + received.system_calls), came)},
      {"bytes_a_delivery", each(static_cast<double>(served.bytes), came)},
      {"client_bytes", fmt::to_string(bytes_a_client(options))},
      {"gaps", fmt::to_string(received.gaps)},
      {"missing", fmt::to_string(received.missing)},
      {"dropped", fmt::to_string(served.dropped)},
      {"conflated", fmt::to_string(served.conflated)},
      {"disconnects", fmt::to_string(served.disconnects)},
      {"reconnects", fmt::to_string(received.reconnects)},
      {"reconnect_us", back(received.away_ns)},
      {"back_off_us", back(received.back_off_ns)},
      {"connect_us", back(received.connect_ns)},
      {"snapshot_messages", fmt::to_string(received.snapshot)},
      {"not_ended", fmt::to_string(received.not_ended)},
      {"repeated", fmt::to_string(received.repeated)},
      {"bad_length", fmt::to_string(received.damage.bad_length)},
      {"bad_type", fmt::to_string(received.damage.bad_type)},
      {"bad_checksum", fmt::to_string(received.damage.bad_checksum)},
      {"skipped_bytes", fmt::to_string(received.damage.skipped_bytes)},
      {"unknown_symbols", fmt::to_string(received.unknown_symbols)},
      {"torn_reads", measured.displayed ? fmt::to_string(measured.displayed->torn) : ""},
      {"all_messages", fmt::to_string(served.messages)},
  };
}

double memory_bytes(const Options& options, const Kit& kit) {
  return static_cast<double>(options.clients * bytes_a_client(options)) +
         static_cast<double>(options.client_loops) *
             (static_cast<double>(kit.record.samples()) * sizeof(DeliveryTimes) +
              Recorder::course_bytes(kit.intervals()));
}

Outcome run(const Options& options, const Kit& kit, record::Files& files, std::atomic<bool>& stop) {
  Recorder recorder(kit.record.samples(), kit.record.sample_every, kit.intervals());
  const double clock_read_ns = platform::clock_read_cost_ns();
  constexpr std::size_t kOtherFiles = 64;
  platform::allow_files(options.clients + kOtherFiles);  // the server is a process of its own
  const Measured measured = measure(kit, options, recorder, stop);
  const record::Histogram& latency = recorder.histograms().front();
  fmt::print(
      "{:.3f} s: {} messages to {} clients, {:.1f} deliveries a second, {} missing; latency (us): "
      "p50 {}, p99 {}; clock read {:.1f} ns\n",
      platform::to_seconds(measured.elapsed_ns), measured.served.measured, options.clients,
      rate(recorder.items(), measured), measured.received.missing, record::us(latency, 0.50),
      record::us(latency, 0.99), clock_read_ns);

  std::vector<record::NamedHistogram> others;
  if (measured.displayed) {
    const Displayed& displayed = *measured.displayed;
    others.push_back({"display_read", displayed.read});
    others.push_back({"display_sort", displayed.sort});
    others.push_back({"display_render", displayed.render});
    others.push_back({"staleness", displayed.staleness});
  }
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
          "Sends market data to many clients, each of which keeps the last of each symbol.",
      .add_options = add_options,
      .conflict = conflict,
      .memory_bytes = memory_bytes,
      .memory_options = "--clients, --symbols, --out-limit or --max-samples",
      .run = run});
}

}  // namespace pipelab::feed
