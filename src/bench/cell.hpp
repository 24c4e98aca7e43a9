#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

#include "bench/measurement.hpp"
#include "bench/pair.hpp"

namespace pipelab::bench {

/// One thing that is measured once a round, as the columns of the samples file name it.
struct Cell {
  std::string_view work;       ///< throughput, round_trip, call, submit, recording, ...
  std::string_view contender;  ///< a queue, or "raw line"
  std::string_view mode;  ///< single, batch, in_place, how many producers, what is sent; or empty
  std::size_t batch;      ///< items a call
  std::size_t item_bytes;
  std::size_t capacity;  ///< asked for; a queue may hold more
  bool hint;             ///< one spin hint for each look that found nothing
  Measurement (*measure)(const CpuPair& cpus, bool hint);
};

/// Every queue with items of kBytes: 8, 64 and 256 there are.
template <std::size_t kBytes>
void add_queues(std::vector<Cell>& cells);

/// The raw line, calls over the slots of the workload exchange and over two queues, the clock, the
/// recorder, the pipeline beside the bare ring, tasks of many producers over the queues of the
/// workload ingress, and what the workload rpc is made of: its
/// parsers, what finds the request of a reply, its pools.
void add_references(std::vector<Cell>& cells);
void add_calls(std::vector<Cell>& cells);
void add_recording(std::vector<Cell>& cells);
void add_pipeline(std::vector<Cell>& cells);
void add_submits(std::vector<Cell>& cells);
void add_parses(std::vector<Cell>& cells);
void add_correlations(std::vector<Cell>& cells);
void add_pools(std::vector<Cell>& cells);

/// All there is to measure; or, `quick`, what the claims need.
std::vector<Cell> matrix(bool quick);

}  // namespace pipelab::bench
