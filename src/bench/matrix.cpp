#include <vector>

#include "bench/cell.hpp"

namespace pipelab::bench {
namespace {

/// True for what the claims of the report are made of.
bool is_claimed(const Cell& cell) {
  if (cell.work == "round_trip") {
    return cell.capacity == 0 || (cell.capacity == 1024 && cell.item_bytes <= 64);
  }
  if (cell.work != "throughput") {
    return true;
  }
  if (cell.mode == "single") {
    return cell.item_bytes == 8
               ? cell.capacity <= 1024
               : cell.item_bytes == 64 && (cell.capacity == 64 || cell.capacity == 1024);
  }
  return cell.item_bytes == 8 && cell.capacity == 1024 && cell.batch == 32;
}

}  // namespace

std::vector<Cell> matrix(bool quick) {
  std::vector<Cell> cells;
  add_queues<8>(cells);
  add_queues<64>(cells);
  add_queues<256>(cells);
  add_references(cells);
  add_calls(cells);
  add_recording(cells);
  add_pipeline(cells);
  add_submits(cells);
  add_parses(cells);
  add_correlations(cells);
  add_pools(cells);
  if (quick) {
    std::erase_if(cells, [](const Cell& cell) { return !is_claimed(cell); });
  }
  return cells;
}

}  // namespace pipelab::bench
