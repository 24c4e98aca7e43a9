#include "workloads/rpc/pools.hpp"

#include <boost/pool/singleton_pool.hpp>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory_resource>
#include <mutex>
#include <stdexcept>
#include <string_view>
#include <vector>

#include "bench/cell.hpp"
#include "bench/pair.hpp"
#include "bench/run_delay.hpp"
#include "platform/clock.hpp"
#include "queue/spsc_ring.hpp"

// What it costs that one thread takes a buffer from a pool, writes a number into it, and sends it
// over a ring to another, which reads it and gives the buffer back. The ring is in every figure;
// what it costs alone stands beside them.

namespace pipelab::bench {
namespace {

constexpr std::size_t kBuffers = 1024;
constexpr std::size_t kBufferBytes = 206;
constexpr std::uint64_t kTaken = 1U << 16U;  // a sample

/// The same buffers again and again, without a question whether they came back: the ring has fewer
/// places than there are buffers.
class BuffersAlone {
 public:
  BuffersAlone(std::size_t buffers, std::size_t bytes, std::pmr::memory_resource& shared)
      : stock_(buffers, bytes, shared), buffers_(buffers) {}

  class Taker {
   public:
    explicit Taker(BuffersAlone& pool) : pool_(pool) {}
    rpc::Taken take() noexcept { return {.buffer = pool_.stock_.at(next_++ % pool_.buffers_)}; }

   private:
    BuffersAlone& pool_;
    std::size_t next_{0};
  };

  class Giver {
   public:
    explicit Giver(BuffersAlone& /*pool*/) {}
    void give(char* /*buffer*/) noexcept {}
  };

 private:
  rpc::Stock stock_;
  std::size_t buffers_;
};

/// A vector of those that are free, under a mutex.
class MutexStack {
 public:
  MutexStack(std::size_t buffers, std::size_t bytes, std::pmr::memory_resource& shared)
      : stock_(buffers, bytes, shared) {
    for (std::size_t place = 0; place < buffers; ++place) {
      free_.push_back(stock_.at(place));
    }
  }

  class Taker {
   public:
    explicit Taker(MutexStack& pool) : pool_(pool) {}
    rpc::Taken take() {
      const std::lock_guard lock(pool_.mutex_);
      if (pool_.free_.empty()) {
        return {};
      }
      char* const buffer = pool_.free_.back();
      pool_.free_.pop_back();
      return {.buffer = buffer, .came_back = true};
    }

   private:
    MutexStack& pool_;
  };

  class Giver {
   public:
    explicit Giver(MutexStack& pool) : pool_(pool) {}
    void give(char* buffer) {
      const std::lock_guard lock(pool_.mutex_);
      pool_.free_.push_back(buffer);
    }

   private:
    MutexStack& pool_;
  };

 private:
  rpc::Stock stock_;
  std::mutex mutex_;
  std::vector<char*> free_;
};

/// boost::singleton_pool, with its mutex, as its documentation has it for several threads.
struct BoostTag {};
using BoostPool = boost::singleton_pool<BoostTag, kBufferBytes>;
void* boost_allocate(std::size_t /*bytes*/) { return BoostPool::malloc(); }
void boost_free(void* buffer) { BoostPool::free(buffer); }

template <class Pool>
Measurement hand_over(const CpuPair& cpus, bool hint) {
  Pool pool(kBuffers, kBufferBytes, *std::pmr::new_delete_resource());
  queue::SpscRing<char*> ring(kBuffers / 2);
  Measurement measurement{.items = kTaken};
  std::uint64_t wrong = 0;
  platform::Nanoseconds begin_ns = 0;
  Gate gate;
  const auto take_all = [&] {
    typename Pool::Taker taker(pool);
    auto producer = ring.producer();
    gate.meet();
    RunDelayLaps run_delay;
    begin_ns = platform::now_ns();
    for (std::uint64_t number = 0; number < kTaken; ++number) {
      char* buffer = nullptr;
      while ((buffer = taker.take().buffer) == nullptr) {
        pause_if(hint);
      }
      std::memcpy(buffer, &number, sizeof number);
      while (!producer.try_push(buffer)) {
        pause_if(hint);
      }
    }
    measurement.run_delay_ns += run_delay.lap_ns();
    gate.meet();
  };
  const auto give_all = [&] {
    typename Pool::Giver giver(pool);
    auto consumer = ring.consumer();
    gate.meet();
    RunDelayLaps run_delay;
    for (std::uint64_t number = 0; number < kTaken; ++number) {
      char* buffer = nullptr;
      while (!consumer.try_pop(buffer)) {
        pause_if(hint);
      }
      std::uint64_t found = 0;
      std::memcpy(&found, buffer, sizeof found);
      wrong |= found ^ number;
      giver.give(buffer);
    }
    measurement.duration_ns = platform::now_ns() - begin_ns;
    const platform::Nanoseconds delay_ns = run_delay.lap_ns();
    gate.meet();
    measurement.run_delay_ns += delay_ns;  // the other has added its own before
  };
  run_pair(cpus, take_all, give_all);
  if (wrong != 0) {
    throw std::runtime_error("a pool gave a buffer to two");
  }
  return measurement;
}

template <class Pool>
void add_pool(std::vector<Cell>& cells, std::string_view contender) {
  cells.push_back({.work = "pool",
                   .contender = contender,
                   .mode = "two threads",
                   .batch = 1,
                   .item_bytes = kBufferBytes,
                   .capacity = kBuffers,
                   .hint = true,
                   .measure = hand_over<Pool>});
}

}  // namespace

void add_pools(std::vector<Cell>& cells) {
  add_pool<BuffersAlone>(cells, "ring alone");
  add_pool<rpc::RingPool>(cells, "return ring");
  add_pool<rpc::StackPool>(cells, "shared stack");
  add_pool<MutexStack>(cells, "mutex stack");
  add_pool<rpc::MallocPool>(cells, "malloc");
#if PIPELAB_MIMALLOC
  add_pool<rpc::MimallocPool>(cells, "mimalloc");
#endif
  add_pool<rpc::HeapPool<boost_allocate, boost_free>>(cells, "boost singleton_pool");
}

}  // namespace pipelab::bench
