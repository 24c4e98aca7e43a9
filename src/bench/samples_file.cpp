#include "bench/samples_file.hpp"

#include <fmt/format.h>

#include <optional>

namespace pipelab::bench {
namespace {

std::string tenths(const std::optional<double>& value) {
  return value ? fmt::format("{:.1f}", *value) : "";
}

/// 0 stands for what a cell does not have.
std::string count(std::size_t value) { return value > 0 ? fmt::to_string(value) : ""; }

}  // namespace

SamplesFile::SamplesFile(const std::string& path, std::uint64_t seed) : file_(path), seed_(seed) {
  file_.write(
      "seed,round,work,contender,mode,batch,item_bytes,capacity,true_capacity,hint,placement,"
      "raw_before_ns,raw_after_ns,run_delay_ns,items,duration_ns,round_trip_p50_ns,round_trip_p99_"
      "ns,"
      "clock_read_ns\n");
  file_.flush();
}

void SamplesFile::write(int round, const Cell& cell, const Measurement& measurement,
                        const Placement& placement) {
  const bool moved = measurement.items > 0;
  file_.write(fmt::format(
      "{},{},{},{},{},{},{},{},{},{},{},{:.1f},{:.1f},{},{},{},{},{},{}\n", seed_, round, cell.work,
      cell.contender, cell.mode, count(cell.batch), count(cell.item_bytes), count(cell.capacity),
      count(measurement.true_capacity), cell.hint ? 1 : 0, placement.near() ? "near" : "far",
      placement.raw_before_ns, placement.raw_after_ns, measurement.run_delay_ns,
      count(measurement.items), moved ? fmt::to_string(measurement.duration_ns) : "",
      tenths(measurement.round_trip_p50_ns), tenths(measurement.round_trip_p99_ns),
      tenths(measurement.clock_read_ns)));
  file_.flush();
}

void SamplesFile::close() { file_.close(); }

}  // namespace pipelab::bench
