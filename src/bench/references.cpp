#include "bench/cell.hpp"
#include "bench/queues.hpp"
#include "bench/round_trip.hpp"
#include "platform/clock.hpp"

namespace pipelab::bench {
namespace {

template <class Lines>
Measurement raw(const CpuPair& cpus, bool hint) {
  return round_trip<Lines>(cpus, hint, kRoundTripTimes);
}

Measurement clock_read(const CpuPair& /*cpus*/, bool /*hint*/) {
  return {.clock_read_ns = platform::clock_read_cost_ns()};
}

}  // namespace

void add_references(std::vector<Cell>& cells) {
  Cell cell{.work = "round_trip",
            .contender = RawLine::kName,
            .mode = "single",
            .batch = 1,
            .item_bytes = 8,
            .capacity = 0,
            .hint = false,
            .measure = raw<RawLine>};
  for (const bool hint : {false, true}) {
    cell.hint = hint;
    cell.contender = RawLine::kName;
    cell.measure = raw<RawLine>;
    cells.push_back(cell);
    cell.contender = TwoRawLines::kName;
    cell.measure = raw<TwoRawLines>;
    cells.push_back(cell);
  }
  cells.push_back({.work = "clock_read",
                   .contender = "CLOCK_MONOTONIC",
                   .mode = "",
                   .batch = 0,
                   .item_bytes = 0,
                   .capacity = 0,
                   .hint = false,
                   .measure = clock_read});
}

}  // namespace pipelab::bench
