#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string_view>
#include <vector>

#include "bench/cell.hpp"
#include "bench/pair.hpp"
#include "bench/run_delay.hpp"
#include "platform/clock.hpp"
#include "queue/spsc_ring.hpp"
#include "workloads/rpc/correlation.hpp"
#if PIPELAB_TBB
#include "workloads/rpc/concurrent_table.hpp"
#endif

// What it costs to find the request of a reply: one thread remembers requests, another, which gets
// their ids over a ring, looks them up and ends them. The ring is in every figure; what it costs
// alone stands beside them.

namespace pipelab::bench {
namespace {

constexpr std::size_t kWindow = 1024;
constexpr std::uint64_t kRequests = 1U << 16U;  // a sample

/// Remembers nothing: what the ring costs.
class IdsAlone {
 public:
  explicit IdsAlone(std::size_t /*window*/) {}
  std::int64_t add(const rpc::Pending& pending) noexcept { return pending.number; }
  static rpc::Match take(std::int64_t id, rpc::Pending& pending) noexcept {
    pending.number = id;
    return rpc::Match::kFound;
  }
};

/// From the first request to the end of the last. `here` never has more than kWindow that are open.
template <class Correlation>
Measurement correlate(const CpuPair& cpus, bool hint) {
  Correlation correlation(kWindow);
  queue::SpscRing<std::int64_t> ids(kWindow / 2);
  Measurement measurement{.items = kRequests};
  std::uint64_t wrong = 0;
  platform::Nanoseconds begin_ns = 0;
  Gate gate;
  const auto add_all = [&] {
    auto producer = ids.producer();
    gate.meet();
    RunDelayLaps run_delay;
    begin_ns = platform::now_ns();
    for (std::uint64_t number = 0; number < kRequests; ++number) {
      const std::int64_t id = correlation.add({.intended_ns = begin_ns,
                                               .sent_ns = begin_ns,
                                               .number = static_cast<std::int64_t>(number)});
      while (!producer.try_push(id)) {
        pause_if(hint);
      }
    }
    flush(producer);
    measurement.run_delay_ns += run_delay.lap_ns();
    gate.meet();
  };
  const auto take_all = [&] {
    auto consumer = ids.consumer();
    gate.meet();
    RunDelayLaps run_delay;
    for (std::uint64_t number = 0; number < kRequests; ++number) {
      std::int64_t id = 0;
      while (!consumer.try_pop(id)) {
        pause_if(hint);
      }
      rpc::Pending pending;
      wrong |= correlation.take(id, pending) == rpc::Match::kFound ? 0U : 1U;
      wrong |= static_cast<std::uint64_t>(pending.number) ^ number;
    }
    measurement.duration_ns = platform::now_ns() - begin_ns;
    const platform::Nanoseconds delay_ns = run_delay.lap_ns();
    gate.meet();
    measurement.run_delay_ns += delay_ns;  // the other has added its own before
  };
  run_pair(cpus, add_all, take_all);
  if (wrong != 0) {
    throw std::runtime_error("a correlation found another request, or none");
  }
  return measurement;
}

template <class Correlation>
void add_correlation(std::vector<Cell>& cells, std::string_view contender) {
  cells.push_back({.work = "correlate",
                   .contender = contender,
                   .mode = "two threads",
                   .batch = 1,
                   .item_bytes = sizeof(rpc::Pending),
                   .capacity = kWindow,
                   .hint = true,
                   .measure = correlate<Correlation>});
}

}  // namespace

void add_correlations(std::vector<Cell>& cells) {
  add_correlation<IdsAlone>(cells, "ids alone");
  add_correlation<rpc::Slots>(cells, "slots");
  add_correlation<rpc::Map>(cells, "mutex map");
  add_correlation<rpc::Sharded>(cells, "sharded map");
#if PIPELAB_TBB
  add_correlation<rpc::ConcurrentTable>(cells, "oneTBB table");
#endif
}

}  // namespace pipelab::bench
