#pragma once

#include <type_traits>
#include <vector>

#include "bench/cell.hpp"
#include "bench/contenders.hpp"
#include "bench/round_trip.hpp"
#include "bench/throughput.hpp"

namespace pipelab::bench {

inline constexpr platform::Nanoseconds kSampleNs = 5'000'000;
inline constexpr RoundTripTimes kRoundTripTimes{.blocks_ns = 2'500'000, .singles_ns = 2'500'000};

/// Adds what each queue can do, for one type of item and one capacity.
template <std::size_t kBytes, std::size_t kCapacity>
class Queues {
 public:
  explicit Queues(std::vector<Cell>& cells) : cells_(cells) {}

  void add_all() {
    add_ways<RingEager<It, kCapacity>>();
    add_ways<RingBatched<It, kCapacity>>();
    add_ways<MutexQueue<It, kCapacity>>();
    add_ways<BoostSpsc<It, kCapacity>>();
    add_ways<ReaderWriterQueue<It, kCapacity>>();
    add_ways<AtomicQueue<It, kCapacity>>();
    add_ways<AtomicQueueOptimist<It, kCapacity, false>>();
    add_ways<AtomicQueueOptimist<It, kCapacity, true>>();
    if constexpr (kCapacity < kLeastOfAtomicQueueB) {  // else the same as with a fixed capacity
      add_ways<AtomicQueueB<It, kCapacity>>();
      add_ways<AtomicQueueBOptimist<It, kCapacity, false>>();
      add_ways<AtomicQueueBOptimist<It, kCapacity, true>>();
    }
    add_ways<CkRing<It, kCapacity>>();
    add_ways<RteRing<It, kCapacity>>();
    add_ways<ConcurrentQueue<It, kCapacity>>();
  }

 private:
  using It = Item<kBytes>;
  static constexpr std::size_t kLeastOfAtomicQueueB = kBytes == sizeof(std::uint64_t) ? 64 : 4096;

  template <class Queue>
  void add_ways() {
    add<Queue>("throughput", "single", 1, move<Queue, Single>);
    add<Queue>("round_trip", "single", 1, send_round<Queue>);
    add_batches<Queue, 8>();
    add_batches<Queue, 32>();
    using Producer = std::remove_reference_t<decltype(std::declval<Queue&>().producer())>;
    if constexpr (requires(Producer & side) { side.reserve(); }) {
      add<Queue>("throughput", "in_place", 1, move<Queue, SingleInPlace>);
    }
  }

  template <class Queue, std::size_t kBatch>
  void add_batches() {
    using Producer = std::remove_reference_t<decltype(std::declval<Queue&>().producer())>;
    if constexpr (kBatch <= kCapacity) {
      if constexpr (requires(Producer & side, std::span<const It> items) { side.push(items); }) {
        add<Queue>("throughput", "batch", kBatch, move<Queue, Batches<kBatch>>);
      }
      if constexpr (requires(Producer & side) { side.reserve(kBatch); }) {
        add<Queue>("throughput", "in_place", kBatch, move<Queue, BatchesInPlace<kBatch>>);
      }
    }
  }

  /// With and without hint, unless the queue waits in a way of its own.
  template <class Queue>
  void add(std::string_view work, std::string_view mode, std::size_t batch,
           Measurement (*measure)(const CpuPair&, bool)) {
    Cell cell{.work = work,
              .contender = Queue::kName,
              .mode = mode,
              .batch = batch,
              .item_bytes = kBytes,
              .capacity = kCapacity,
              .hint = false,
              .measure = measure};
    if constexpr (requires { Queue::kHints; }) {
      cell.hint = Queue::kHints;
    }
    cells_.push_back(cell);
    if constexpr (!waits<Queue>()) {
      cell.hint = true;
      cells_.push_back(cell);
    }
  }

  template <class Queue, class Way>
  static Measurement move(const CpuPair& cpus, bool hint) {
    return throughput<Queue, It, Way>(cpus, hint, kSampleNs);
  }

  template <class Queue>
  static Measurement send_round(const CpuPair& cpus, bool hint) {
    return round_trip<QueuePair<Queue, It>>(cpus, hint, kRoundTripTimes);
  }

  std::vector<Cell>& cells_;
};

template <std::size_t kBytes>
void add_queues(std::vector<Cell>& cells) {
  Queues<kBytes, 8>(cells).add_all();
  Queues<kBytes, 64>(cells).add_all();
  Queues<kBytes, 1024>(cells).add_all();
  Queues<kBytes, 65536>(cells).add_all();
}

}  // namespace pipelab::bench
