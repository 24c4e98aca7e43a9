#pragma once

#include <atomic_queue/atomic_queue.h>
#include <concurrentqueue/concurrentqueue.h>
#include <readerwriterqueue/readerwriterqueue.h>
#include <rte_config.h>  // DPDK wants it before its other headers
#include <rte_ring.h>
#include <rte_ring_elem.h>
#include <rte_ring_peek_zc.h>

#include <bit>
#include <boost/lockfree/spsc_queue.hpp>
#include <cstddef>
#include <cstdlib>
#include <memory>
#include <new>
#include <span>
#include <string_view>
#include <type_traits>
#include <vector>

#include "bench/ck_ring.hpp"
#include "bench/settings.hpp"
#include "platform/cpu.hpp"
#include "queue/mutex_queue.hpp"
#include "queue/spsc_ring.hpp"

// The queues that are compared, each behind the same few calls and used as its own documentation
// recommends for one producer and one consumer. A contender is built for a type of item and a
// capacity, and holds at least that many. producer() and consumer() give what each thread uses:
//
//   try_push(item), try_pop(item)            one item, false when there is no room or none
//   push(items), pop(items)                  as many as go, where the queue has calls for that
//   reserve(most), commit(n)                 the same in place, likewise
//   peek(most), release(n)
//
// Where kWaits is true, try_push and try_pop wait by themselves and never return false.

namespace pipelab::bench {

/// For contenders that have no objects of their own for the two sides.
template <class Contender>
class BothSides {
 public:
  Contender& producer() noexcept { return static_cast<Contender&>(*this); }
  Contender& consumer() noexcept { return static_cast<Contender&>(*this); }
};

template <class Item, std::size_t kCapacity, class Publication>
class Ring {
 public:
  static constexpr std::string_view kName =
      std::is_same_v<Publication, queue::Eager> ? "spsc_ring eager" : "spsc_ring batched";
  auto producer() { return ring_.producer(); }
  auto consumer() { return ring_.consumer(); }

 private:
  queue::SpscRing<Item, Publication> ring_{kCapacity};
};

template <class Item, std::size_t kCapacity>
using RingEager = Ring<Item, kCapacity, queue::Eager>;

template <class Item, std::size_t kCapacity>
using RingBatched = Ring<Item, kCapacity, queue::Batched>;

/// Sleeps on its condition variables, as programs do that use such a queue.
template <class Item, std::size_t kCapacity>
class MutexQueue : public BothSides<MutexQueue<Item, kCapacity>> {
 public:
  static constexpr std::string_view kName = "mutex queue";
  static constexpr bool kWaits = true;
  std::size_t capacity() const noexcept { return queue_.capacity(); }
  bool try_push(const Item& item) {
    while (!queue_.try_push(item)) {
      queue_.wait_not_full();
    }
    return true;
  }
  bool try_pop(Item& item) {
    // It exchanges items, so what it is given must be one.
    while (!queue_.try_pop(popped_)) {
      queue_.wait_not_empty();
    }
    item = popped_;
    return true;
  }

 private:
  queue::MutexQueue<Item> queue_{kCapacity};
  alignas(platform::kDestructiveInterference) Item popped_{};  // the consumer's
};

/// With its capacity known to the compiler, which is its fastest form.
template <class Item, std::size_t kCapacity>
class BoostSpsc : public BothSides<BoostSpsc<Item, kCapacity>> {
 public:
  static constexpr std::string_view kName = "boost spsc_queue";
  bool try_push(const Item& item) { return queue_.push(item); }
  bool try_pop(Item& item) { return queue_.pop(item); }
  std::size_t push(std::span<const Item> items) { return queue_.push(items.data(), items.size()); }
  std::size_t pop(std::span<Item> items) { return queue_.pop(items.data(), items.size()); }

 private:
  boost::lockfree::spsc_queue<Item, boost::lockfree::capacity<kCapacity>> queue_;
};

/// Without its calls that allocate.
template <class Item, std::size_t kCapacity>
class ReaderWriterQueue : public BothSides<ReaderWriterQueue<Item, kCapacity>> {
 public:
  static constexpr std::string_view kName = "ReaderWriterQueue";
  bool try_push(const Item& item) { return queue_.try_enqueue(item); }
  bool try_pop(Item& item) { return queue_.try_dequeue(item); }

 private:
  moodycamel::ReaderWriterQueue<Item> queue_{kCapacity};
};

// atomic_queue has a class for items that are atomic themselves, with 0 for "empty", and one for
// all others; each with the capacity in the type (exact), or given at run time (at least 64 and
// 4096). All are used in their mode for one producer and one consumer (see settings.hpp). kPause
// (MAXIMIZE_THROUGHPUT) says whether a call that waits pauses between its looks: measured both
// ways, as a spin hint is.

template <class Item, std::size_t kCapacity, bool kPause>
using AtomicQueueFixed = std::conditional_t<
    sizeof(Item) == sizeof(std::uint64_t),
    atomic_queue::AtomicQueue<std::uint64_t, kCapacity, 0, kMinimizeContention, kPause, kTotalOrder,
                              kSpsc>,
    atomic_queue::AtomicQueue2<Item, kCapacity, kMinimizeContention, kPause, kTotalOrder, kSpsc>>;

template <class Item, bool kPause>
using AtomicQueueSized = std::conditional_t<
    sizeof(Item) == sizeof(std::uint64_t),
    atomic_queue::AtomicQueueB<std::uint64_t, std::allocator<std::uint64_t>, 0, kPause, kTotalOrder,
                               kSpsc>,
    atomic_queue::AtomicQueueB2<Item, std::allocator<Item>, kPause, kTotalOrder, kSpsc>>;

template <class Item, std::size_t kCapacity>
class AtomicQueue : public BothSides<AtomicQueue<Item, kCapacity>> {
 public:
  static constexpr std::string_view kName = "atomic_queue";
  bool try_push(const Item& item) { return queue_.try_push(item); }
  bool try_pop(Item& item) { return queue_.try_pop(item); }

 private:
  AtomicQueueFixed<Item, kCapacity, true> queue_;
};

template <class Item, std::size_t kCapacity>
class AtomicQueueB : public BothSides<AtomicQueueB<Item, kCapacity>> {
 public:
  static constexpr std::string_view kName = "atomic_queue B";
  bool try_push(const Item& item) { return queue_.try_push(item); }
  bool try_pop(Item& item) { return queue_.try_pop(item); }

 private:
  AtomicQueueSized<Item, true> queue_{kCapacity};
};

/// Its calls that wait for room and for an item, which it calls optimist.
template <class Queue, class Item, bool kHint>
class Optimist : public BothSides<Optimist<Queue, Item, kHint>> {
 public:
  static constexpr bool kWaits = true;
  static constexpr bool kHints = kHint;
  Optimist() = default;
  explicit Optimist(unsigned capacity) : queue_(capacity) {}
  std::size_t capacity() const noexcept { return queue_.capacity(); }
  bool try_push(const Item& item) {
    queue_.push(item);
    return true;
  }
  bool try_pop(Item& item) {
    item = queue_.pop();
    return true;
  }

 private:
  Queue queue_;
};

template <class Item, std::size_t kCapacity, bool kHint>
class AtomicQueueOptimist : public Optimist<AtomicQueueFixed<Item, kCapacity, kHint>, Item, kHint> {
 public:
  static constexpr std::string_view kName = "atomic_queue optimist";
};

template <class Item, std::size_t kCapacity, bool kHint>
class AtomicQueueBOptimist : public Optimist<AtomicQueueSized<Item, kHint>, Item, kHint> {
 public:
  static constexpr std::string_view kName = "atomic_queue B optimist";
  AtomicQueueBOptimist() : Optimist<AtomicQueueSized<Item, kHint>, Item, kHint>(kCapacity) {}
};

/// By the functions that its own typed macros call. It wants a power of two and keeps a slot empty.
template <class Item, std::size_t kCapacity>
class CkRing : public BothSides<CkRing<Item, kCapacity>> {
 public:
  static constexpr std::string_view kName = "ck_ring";
  CkRing() { ck_ring_init(&ring_, kSlots); }
  bool try_push(const Item& item) {
    return _ck_ring_enqueue_sp(&ring_, slots_.data(), &item, sizeof(Item), nullptr);
  }
  bool try_pop(Item& item) {
    return _ck_ring_dequeue_sc(&ring_, slots_.data(), &item, sizeof(Item));
  }

 private:
  static constexpr unsigned kSlots = std::bit_ceil(static_cast<unsigned>(kCapacity) + 1);
  ck_ring_t ring_{};
  std::vector<Item> slots_ = std::vector<Item>(kSlots);
};

/// DPDK's ring with elements of the item's size: one at a time, in bursts, and without copies.
template <class Item, std::size_t kCapacity>
class RteRing : public BothSides<RteRing<Item, kCapacity>> {
 public:
  static constexpr std::string_view kName = "rte_ring";
  RteRing() {
    // Exact size: a slot more, rounded up to a power of two.
    const auto bytes = static_cast<std::size_t>(rte_ring_get_memsize_elem(
        sizeof(Item), std::bit_ceil(static_cast<unsigned>(kCapacity) + 1)));
    ring_.reset(static_cast<rte_ring*>(
        std::aligned_alloc(kAlignment, (bytes + kAlignment - 1) / kAlignment * kAlignment)));
    if (!ring_ || rte_ring_init(ring_.get(), "bench", kCapacity,
                                RING_F_SP_ENQ | RING_F_SC_DEQ | RING_F_EXACT_SZ) != 0) {
      throw std::bad_alloc();
    }
  }
  bool try_push(const Item& item) {
    // It only reads the item, but does not say so in its type.
    return rte_ring_sp_enqueue_elem(ring_.get(), const_cast<Item*>(&item), sizeof(Item)) == 0;
  }
  bool try_pop(Item& item) {
    return rte_ring_sc_dequeue_elem(ring_.get(), &item, sizeof(Item)) == 0;
  }
  std::size_t push(std::span<const Item> items) {
    return rte_ring_sp_enqueue_burst_elem(ring_.get(), items.data(), sizeof(Item),
                                          static_cast<unsigned>(items.size()), nullptr);
  }
  std::size_t pop(std::span<Item> items) {
    return rte_ring_sc_dequeue_burst_elem(ring_.get(), items.data(), sizeof(Item),
                                          static_cast<unsigned>(items.size()), nullptr);
  }
  std::span<Item> reserve(std::size_t most) {
    return first_part(rte_ring_enqueue_zc_burst_elem_start, most);
  }
  void commit(std::size_t items) {
    rte_ring_enqueue_zc_elem_finish(ring_.get(), static_cast<unsigned>(items));
  }
  std::span<Item> peek(std::size_t most) {
    return first_part(rte_ring_dequeue_zc_burst_elem_start, most);
  }
  void release(std::size_t items) {
    rte_ring_dequeue_zc_elem_finish(ring_.get(), static_cast<unsigned>(items));
  }

 private:
  /// What `start` offers up to the end of the array.
  template <class Start>
  std::span<Item> first_part(Start start, std::size_t most) {
    rte_ring_zc_data part{};
    if (start(ring_.get(), sizeof(Item), static_cast<unsigned>(most), &part, nullptr) == 0) {
      return {};
    }
    return {static_cast<Item*>(part.ptr1), part.n1};
  }

  static constexpr std::size_t kAlignment = 128;
  struct Free {
    void operator()(rte_ring* ring) const noexcept { std::free(ring); }
  };
  std::unique_ptr<rte_ring, Free> ring_;
};

/// moodycamel's queue for many producers and consumers, with a token on each side and without its
/// calls that allocate.
template <class Item, std::size_t kCapacity>
class ConcurrentQueue : public BothSides<ConcurrentQueue<Item, kCapacity>> {
 public:
  static constexpr std::string_view kName = "ConcurrentQueue";
  bool try_push(const Item& item) { return queue_.try_enqueue(producer_, item); }
  bool try_pop(Item& item) { return queue_.try_dequeue(consumer_, item); }
  std::size_t push(std::span<const Item> items) {  // all or none
    return queue_.try_enqueue_bulk(producer_, items.data(), items.size()) ? items.size() : 0;
  }
  std::size_t pop(std::span<Item> items) {
    return queue_.try_dequeue_bulk(consumer_, items.data(), items.size());
  }

 private:
  moodycamel::ConcurrentQueue<Item> queue_{kCapacity, 1, 0};
  moodycamel::ProducerToken producer_{queue_};
  moodycamel::ConsumerToken consumer_{queue_};
};

}  // namespace pipelab::bench
