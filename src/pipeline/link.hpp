#pragma once

#include <atomic>
#include <cstddef>

#include "pipeline/item.hpp"
#include "pipeline/options.hpp"
#include "pipeline/waiting.hpp"
#include "platform/cpu.hpp"
#include "platform/parking_spot.hpp"
#include "queue/mutex_queue.hpp"
#include "queue/spsc_ring.hpp"

namespace pipelab::pipeline {

// A link is a queue of items as the two threads see it: try_push, try_pop and full, how they wait,
// a place to sleep for each side, and an end of stream.

/// Joins the threads by the wait-free ring. Where a way of waiting sleeps, each operation also
/// wakes the other side if that does.
template <Wait kWait>
class RingLink {
 public:
  using Waiter = pipeline::Waiter<kWait>;

  explicit RingLink(std::size_t capacity)
      : ring_(capacity), producer_{ring_.producer()}, consumer_{ring_.consumer()} {}

  bool try_push(const Item& item) noexcept {
    const bool pushed = producer_.side.try_push(item);
    if constexpr (Waiter::kParks) {
      if (pushed) {
        consumer_spot_.wake();
      }
    }
    return pushed;
  }

  bool try_pop(Item& item) noexcept {
    const bool popped = consumer_.side.try_pop(item);
    if constexpr (Waiter::kParks) {
      if (popped) {
        producer_spot_.wake();
      }
    }
    return popped;
  }

  bool full() noexcept { return producer_.side.full(); }

  void park_producer() noexcept {
    producer_spot_.park([this] { return !producer_.side.full(); });
  }

  void park_consumer() noexcept {
    consumer_spot_.park([this] { return !consumer_.side.empty() || closed(); });
  }

  void close() noexcept {
    // Release: who sees the end also sees every item before it.
    closed_.store(true, std::memory_order_release);
    consumer_spot_.wake();
  }

  // Acquire: pairs with close().
  bool closed() const noexcept { return closed_.load(std::memory_order_acquire); }

 private:
  using Ring = queue::SpscRing<Item>;

  /// A side of the ring, on cache lines that only its thread uses.
  template <class Side>
  struct alignas(platform::kDestructiveInterference) OneThreads {
    Side side;
  };

  Ring ring_;
  OneThreads<typename Ring::Producer> producer_;
  OneThreads<typename Ring::Consumer> consumer_;
  platform::ParkingSpot producer_spot_;
  platform::ParkingSpot consumer_spot_;
  std::atomic<bool> closed_{false};
};

/// Joins the threads by the mutex queue, whose own condition variables are where they sleep.
template <Wait kWait>
class MutexLink {
 public:
  using Waiter = pipeline::Waiter<kWait>;

  explicit MutexLink(std::size_t capacity) : queue_(capacity) {}

  bool try_push(const Item& item) { return queue_.try_push(item); }
  bool try_pop(Item& item) { return queue_.try_pop(item); }
  bool full() { return queue_.full(); }
  void park_producer() { queue_.wait_not_full(); }
  void park_consumer() { queue_.wait_not_empty(); }
  void close() { queue_.close(); }
  bool closed() { return queue_.closed(); }

 private:
  queue::MutexQueue<Item> queue_;
};

}  // namespace pipelab::pipeline
