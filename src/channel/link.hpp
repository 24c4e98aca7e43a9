#pragma once

#include <atomic>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <memory_resource>
#include <optional>
#include <vector>

#include "channel/options.hpp"
#include "channel/payload.hpp"
#include "channel/waiting.hpp"
#include "platform/cpu.hpp"
#include "queue/mutex_queue.hpp"
#include "queue/overwrite_ring.hpp"
#include "queue/spsc_ring.hpp"
#include "threads/parking_spot.hpp"

namespace pipelab::channel {

/// What became of a push.
enum class Push { kPushed, kFull, kDisplaced };

/// A link is a queue of items as the two threads see it. This is what the producer's thread sees.
/// Payloads have two places more than the queue has items, one for each side's hands, so that
/// neither waits for the other to have written or read.
template <class L>
concept PushSide = requires(L link, const typename L::Item& item) {
  typename L::Waiter;
  { link.next_payload() } -> std::same_as<Payload>;  // where the next item's is to be written
  { link.try_push(item) } -> std::same_as<Push>;
  { link.displaced() } -> std::same_as<typename L::Item>;  // after Push::kDisplaced
  {link.flush()};  // tells the consumer of all that was pushed
  { link.full() } -> std::same_as<bool>;
  {link.park_producer()};
};

/// This is what the consumer's thread sees.
template <class L>
concept PopSide = requires(L link, typename L::Item& item) {
  typename L::Waiter;
  { link.try_pop(item) } -> std::same_as<bool>;
  { link.popped_payload() } -> std::same_as<Payload>;  // of the last item, until the next pop
  {link.park_consumer()};
  { link.closed() } -> std::same_as<bool>;
};

template <class L>
concept Link = PushSide<L> && PopSide<L> && requires(L link) {
  {link.close()};  // nothing will be pushed any more; whoever says so
  { link.wake_ups() } -> std::same_as<std::optional<std::int64_t>>;  // when both sides are quiet
};

/// An end of stream, and a place to sleep for each side.
template <class Waiter>
class Parking {
 public:
  void wake_producer() noexcept { wake(producer_); }
  void wake_consumer() noexcept { wake(consumer_); }

  template <class Ready>
  void park_producer(Ready ready) noexcept {
    producer_.park(ready);
  }

  template <class Ready>
  void park_consumer(Ready ready) noexcept {
    consumer_.park([&] { return ready() || closed(); });
  }

  void close() noexcept {
    // Release: who sees the end also sees every item before it.
    closed_.store(true, std::memory_order_release);
    consumer_.wake();
  }

  // Acquire: pairs with close().
  bool closed() const noexcept { return closed_.load(std::memory_order_acquire); }

  /// The system calls that woke a side. Ask when both are quiet.
  std::int64_t wake_ups() const noexcept {
    return static_cast<std::int64_t>(producer_.wake_ups() + consumer_.wake_ups());
  }

 private:
  static void wake(threads::ParkingSpot& spot) noexcept {
    if constexpr (Waiter::kParks) {
      spot.wake();
    }
  }

  threads::ParkingSpot producer_;
  threads::ParkingSpot consumer_;
  std::atomic<bool> closed_{false};
};

/// Joins the threads by the wait-free ring. Where a way of waiting sleeps, each operation that the
/// other side can see also wakes it.
template <class ItemType, Wait kWait, class Publication>
class RingLink {
 public:
  using Item = ItemType;
  using Waiter = channel::Waiter<kWait>;

  RingLink(const Options& options, std::pmr::memory_resource* memory)
      : ring_(options.queue_cap, options.batch, memory),
        payloads_(options.queue_cap + 2, options.item_bytes, memory),
        producer_{.side = ring_.producer()},
        consumer_{.side = ring_.consumer()} {}

  Payload next_payload() noexcept { return payloads_[producer_.place]; }

  Push try_push(const Item& item) noexcept {
    const bool pushed = producer_.side.try_push(item);
    if (!producer_.side.holds_back()) {  // also a push that failed told of all before it
      parking_.wake_consumer();
    }
    if (pushed) {
      producer_.place = after(producer_.place);
    }
    return pushed ? Push::kPushed : Push::kFull;
  }

  Item displaced() const noexcept { return {}; }

  void flush() noexcept {
    producer_.side.flush();
    parking_.wake_consumer();
  }

  bool full() noexcept { return producer_.side.full(); }

  void park_producer() noexcept {
    parking_.park_producer([this] { return !producer_.side.full(); });
  }

  bool try_pop(Item& item) noexcept {
    const bool popped = consumer_.side.try_pop(item);
    if (!consumer_.side.holds_back()) {
      parking_.wake_producer();
    }
    if (popped) {
      consumer_.held = consumer_.place;
      consumer_.place = after(consumer_.place);
    }
    return popped;
  }

  Payload popped_payload() noexcept { return payloads_[consumer_.held]; }

  void park_consumer() noexcept {
    parking_.park_consumer([this] { return !consumer_.side.empty(); });
  }

  void close() noexcept { parking_.close(); }
  bool closed() const noexcept { return parking_.closed(); }
  std::optional<std::int64_t> wake_ups() const noexcept { return parking_.wake_ups(); }

 private:
  using Ring = queue::SpscRing<Item, Publication, std::pmr::polymorphic_allocator<Item>>;

  /// A side of the ring and of the payloads, on cache lines that only its thread uses.
  template <class Side>
  struct alignas(platform::kDestructiveInterference) OneThreads {
    Side side;
    std::size_t place{0};  // of the next item's payload
    std::size_t held{0};   // of the payload in this side's hands
  };

  /// Payloads lie in the order of their items, which come and go in order as well.
  std::size_t after(std::size_t place) const noexcept {
    return place + 1 == payloads_.places() ? 0 : place + 1;
  }

  Ring ring_;
  PayloadStore payloads_;
  OneThreads<typename Ring::Producer> producer_;
  OneThreads<typename Ring::Consumer> consumer_;
  Parking<Waiter> parking_;
};

/// What lies in queues whose items change places with others: each has its payload's place with it.
template <class Item>
struct Loaded {
  Item item;
  std::size_t place{0};
};

/// As many as the queue has slots, and one for each side.
template <class Item>
std::pmr::vector<Loaded<Item>> empty_items(std::size_t count, std::pmr::memory_resource* memory) {
  std::pmr::vector<Loaded<Item>> items(count, memory);
  for (std::size_t place = 0; place < count; ++place) {
    items[place].place = place;
  }
  return items;
}

/// Joins the threads by the ring in which the newest item takes the place of the oldest.
template <class ItemType, Wait kWait>
class OverwriteLink {
 public:
  using Item = ItemType;
  using Waiter = channel::Waiter<kWait>;

  OverwriteLink(const Options& options, std::pmr::memory_resource* memory)
      : ring_(empty_items<Item>(options.queue_cap + 2, memory)),
        payloads_(options.queue_cap + 2, options.item_bytes, memory),
        producer_{ring_.producer()},
        consumer_{.side = ring_.consumer(), .held = nullptr} {}

  Payload next_payload() noexcept { return payloads_[producer_.side.hand().place]; }

  Push try_push(const Item& item) noexcept {
    producer_.side.hand().item = item;
    const bool displaced = producer_.side.push();
    parking_.wake_consumer();
    return displaced ? Push::kDisplaced : Push::kPushed;
  }

  Item displaced() noexcept { return producer_.side.hand().item; }
  void flush() noexcept {}
  bool full() noexcept { return false; }
  void park_producer() noexcept {}

  bool try_pop(Item& item) noexcept {
    Loaded<Item>* const oldest = consumer_.side.pop();
    if (oldest == nullptr) {
      return false;
    }
    item = oldest->item;
    consumer_.held = oldest;
    return true;
  }

  Payload popped_payload() noexcept { return payloads_[consumer_.held->place]; }

  void park_consumer() noexcept {
    parking_.park_consumer([this] { return !consumer_.side.empty(); });
  }

  void close() noexcept { parking_.close(); }
  bool closed() const noexcept { return parking_.closed(); }
  std::optional<std::int64_t> wake_ups() const noexcept { return parking_.wake_ups(); }

 private:
  using Ring = queue::OverwriteRing<Loaded<Item>>;

  struct alignas(platform::kDestructiveInterference) ProducerSide {
    typename Ring::Producer side;
  };
  struct alignas(platform::kDestructiveInterference) ConsumerSide {
    typename Ring::Consumer side;
    Loaded<Item>* held;
  };

  Ring ring_;
  PayloadStore payloads_;
  ProducerSide producer_;
  ConsumerSide consumer_;
  Parking<Waiter> parking_;
};

/// Joins the threads by the mutex queue, whose own condition variables are where they sleep.
template <class ItemType, Wait kWait>
class MutexLink {
 public:
  using Item = ItemType;
  using Waiter = channel::Waiter<kWait>;

  MutexLink(const Options& options, std::pmr::memory_resource* memory)
      : displaces_(options.on_full == OnFull::kOverwrite),
        queue_(empty_items<Item>(options.queue_cap, memory)),
        payloads_(options.queue_cap + 2, options.item_bytes, memory),
        producers_{.item = {}, .place = options.queue_cap},
        consumers_{.item = {}, .place = options.queue_cap + 1} {}

  Payload next_payload() { return payloads_[producers_.place]; }

  Push try_push(const Item& item) {
    producers_.item = item;
    if (displaces_) {
      return queue_.push_displacing(producers_) ? Push::kDisplaced : Push::kPushed;
    }
    return queue_.exchange_push(producers_) ? Push::kPushed : Push::kFull;
  }

  Item displaced() const { return producers_.item; }
  void flush() {}
  bool full() { return queue_.full(); }
  void park_producer() { queue_.wait_not_full(); }

  bool try_pop(Item& item) {
    const bool popped = queue_.try_pop(consumers_);
    item = consumers_.item;
    return popped;
  }

  Payload popped_payload() { return payloads_[consumers_.place]; }
  void park_consumer() { queue_.wait_not_empty(); }
  void close() { queue_.close(); }
  bool closed() { return queue_.closed(); }

  /// Not known: the C++ library makes them.
  std::optional<std::int64_t> wake_ups() const { return std::nullopt; }

 private:
  bool displaces_;
  queue::MutexQueue<Loaded<Item>> queue_;
  PayloadStore payloads_;
  Loaded<Item> producers_;
  alignas(platform::kDestructiveInterference) Loaded<Item> consumers_;
};

}  // namespace pipelab::channel
