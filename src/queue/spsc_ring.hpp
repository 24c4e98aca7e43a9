#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <span>
#include <stdexcept>
#include <type_traits>
#include <utility>

#include "platform/cpu.hpp"

namespace pipelab::queue {

/// Publication policy: an item can be popped, and its room used again, as soon as the call returns.
/// Each slot carries the number of the lap in which it was written, so that an item and the news of
/// it travel in one cache line.
struct Eager {};

/// Publication policy: either side tells the other of its progress only every few items, on
/// flush(), and when it finds that it can go no further. The fastest, but an item may wait for
/// those after it.
struct Batched {};

/// A bounded, wait-free queue for one producer thread and one consumer thread. Capacity N, from 1
/// upwards, holds N items. T needs to be constructible from what is pushed, nothing else; each item
/// is constructed once and destroyed once, also when it is left over as the ring dies. The memory
/// comes from `Allocator`, all of it at once, and is touched.
///
/// The two sides are objects of their own, each for one thread at a time, which hold what only that
/// side needs:
///
///     SpscRing<int> ring(64);
///     auto producer = ring.producer();  // move it into the one thread
///     auto consumer = ring.consumer();  // and this into the other
///
/// The ring must outlive both. A side that has been destroyed can be taken anew.
template <class T, class Publication = Eager, class Allocator = std::allocator<T>>
class SpscRing {
  static constexpr bool kEager = std::is_same_v<Publication, Eager>;
  static_assert(kEager || std::is_same_v<Publication, Batched>);
  static constexpr bool kInPlace = std::is_trivially_default_constructible_v<T>;
  static constexpr std::size_t kCacheLine = 64;

  struct MarkedSlot {
    std::atomic<std::uint32_t> lap{0};
    alignas(T) std::array<std::byte, sizeof(T)> bytes{};
  };
  struct PlainSlot {
    alignas(T) std::array<std::byte, sizeof(T)> bytes{};
  };
  using Slot = std::conditional_t<kEager, MarkedSlot, PlainSlot>;

  /// What memory is asked for in, so that small slots do not straddle cache lines.
  struct alignas(std::max(kCacheLine, alignof(Slot))) Line {
    std::array<std::byte, std::max(kCacheLine, alignof(Slot))> bytes;
  };
  using LineAllocator = typename std::allocator_traits<Allocator>::template rebind_alloc<Line>;
  using LineTraits = std::allocator_traits<LineAllocator>;

  /// How far a side has come, for the other to read: alone on its lines.
  struct alignas(platform::kDestructiveInterference) SharedCount {
    std::atomic<std::size_t> items{0};
  };

  /// Where a side is, and what it knows of the other.
  struct Position {
    std::size_t items{0};      // done so far; only grows
    std::size_t seen{0};       // the other side's items, as last looked up
    std::size_t published{0};  // the own items, as last told
    std::size_t slot{0};       // items modulo the capacity
    std::uint32_t lap{1};      // how often `slot` has begun at 0
  };

  /// A side's place, kept here while nobody holds it.
  struct Seat {
    Position position;
    bool taken{false};
  };

  /// What both sides can do: hold their seat, move along the slots, and tell and look up counts.
  template <class Side>
  class Endpoint {
   public:
    Endpoint(Endpoint&& other) noexcept
        : ring_(std::exchange(other.ring_, nullptr)),
          slots_(other.slots_),
          capacity_(other.capacity_),
          publish_every_(other.publish_every_),
          at_(other.at_) {}
    Endpoint(const Endpoint&) = delete;
    Endpoint& operator=(const Endpoint&) = delete;
    Endpoint& operator=(Endpoint&&) = delete;

    std::size_t capacity() const noexcept { return capacity_; }

    /// True while the other side has not been told of all that was done.
    bool holds_back() const noexcept { return at_.published != at_.items; }

    /// Tells the other side of all that was done. Eager holds nothing back.
    void flush() noexcept {
      if (holds_back()) {
        publish();
      }
    }

   protected:
    explicit Endpoint(SpscRing& ring)
        : ring_(&ring),
          slots_(ring.slots_),
          capacity_(ring.capacity_),
          publish_every_(ring.publish_every_),
          at_(Side::seat_of(ring).position) {
      if (std::exchange(Side::seat_of(ring).taken, true)) {
        throw std::logic_error("this side of the ring is in use");
      }
    }
    ~Endpoint() {
      if (ring_ != nullptr) {
        flush();
        Side::seat_of(*ring_) = {.position = at_, .taken = false};
      }
    }

    Slot& slot() const noexcept { return slots_[at_.slot]; }
    T* item() const noexcept { return std::launder(reinterpret_cast<T*>(slot().bytes.data())); }

    /// Slots from here to the end of the array.
    std::size_t slots_in_row() const noexcept { return capacity_ - at_.slot; }

    /// Moves on by `items`, not beyond the end of the array.
    void step(std::size_t items = 1) noexcept {
      at_.items += items;
      at_.slot += items;
      if (at_.slot == capacity_) {
        at_.slot = 0;
        ++at_.lap;
      }
    }

    void publish() noexcept {
      at_.published = at_.items;
      // Release: whatever was done with the slots comes before the count that hands them over.
      Side::own_count(*ring_).items.store(at_.items, std::memory_order_release);
    }

    void publish_when_due() noexcept {
      if (kEager || at_.items - at_.published >= publish_every_) {
        publish();
      }
    }

    void look() noexcept {
      // Acquire: pairs with publish(), so that the other side is done with the slots it handed
      // over.
      at_.seen = Side::other_count(*ring_).items.load(std::memory_order_acquire);
    }

    SpscRing* ring_;
    Slot* slots_;
    std::size_t capacity_;
    std::size_t publish_every_;
    Position at_;
  };

 public:
  /// The side that pushes.
  class Producer : public Endpoint<Producer> {
   public:
    /// Constructs an item in the ring; false when that is full. If T's constructor throws, the ring
    /// is as before.
    template <class... Arguments>
    bool try_emplace(Arguments&&... arguments) {
      if (full()) {
        return false;
      }
      ::new (static_cast<void*>(this->slot().bytes.data()))
          T(std::forward<Arguments>(arguments)...);
      commit();
      return true;
    }

    bool try_push(const T& item) { return try_emplace(item); }
    bool try_push(T&& item) { return try_emplace(std::move(item)); }

    /// Copies as many of `items` as fit, from the first, and returns how many.
    std::size_t push(std::span<const T> items) {
      const std::size_t count = std::min(items.size(), room(items.size()));
      for (const T& item : items.first(count)) {
        ::new (static_cast<void*>(this->slot().bytes.data())) T(item);
        mark();
        this->step();
      }
      this->publish_when_due();
      return count;
    }

    /// Room for one item, to be filled in place and handed over by commit(); null when the ring is
    /// full.
    T* reserve() noexcept requires kInPlace {
      return full() ? nullptr : ::new (static_cast<void*>(this->slot().bytes.data())) T;
    }

    /// Room for up to `most` items side by side, to be filled in place and handed over by
    /// commit(n). Fewer at the end of the array.
    std::span<T> reserve(std::size_t most) noexcept requires(kInPlace && !kEager) {
      return {this->item(), std::min({most, room(most), this->slots_in_row()})};
    }

    /// Hands over what reserve() gave.
    void commit() noexcept {
      mark();
      this->step();
      this->publish_when_due();
    }

    /// Hands over the first `items` of what reserve(most) gave.
    void commit(std::size_t items) noexcept requires(!kEager) {
      this->step(items);
      this->publish_when_due();
    }

    /// True when a push would fail now.
    bool full() noexcept { return room(1) == 0; }

   private:
    friend class SpscRing;
    friend class Endpoint<Producer>;
    using Endpoint<Producer>::Endpoint;

    static Seat& seat_of(SpscRing& ring) noexcept { return ring.producer_seat_; }
    static SharedCount& own_count(SpscRing& ring) noexcept { return ring.written_; }
    static SharedCount& other_count(SpscRing& ring) noexcept { return ring.read_; }

    /// How many items fit. Asks the consumer's count only when fewer than `wanted` seem to.
    std::size_t room(std::size_t wanted) noexcept {
      if (free() < wanted) {
        this->look();
        if (free() == 0) {
          this->flush();  // the consumer may be waiting for what is held back
        }
      }
      return free();
    }

    std::size_t free() const noexcept {
      return this->capacity_ - (this->at_.items - this->at_.seen);
    }

    void mark() noexcept {
      if constexpr (kEager) {
        // Release: the item comes before the mark that shows it.
        this->slot().lap.store(this->at_.lap, std::memory_order_release);
      }
    }
  };

  /// The side that pops.
  class Consumer : public Endpoint<Consumer> {
   public:
    /// The oldest item, in place, until pop(); null when the ring is empty.
    T* front() noexcept { return empty() ? nullptr : this->item(); }

    /// Ends the life of what front() has just given (not null).
    void pop() noexcept {
      std::destroy_at(this->item());
      this->step();
      this->publish_when_due();
    }

    /// Moves the oldest item to `item`; false when the ring is empty.
    bool try_pop(T& item) {
      T* const oldest = front();
      if (oldest == nullptr) {
        return false;
      }
      item = std::move(*oldest);
      pop();
      return true;
    }

    /// Moves the oldest items to the front of `items`, as many as there are, and returns how many.
    std::size_t pop(std::span<T> items) {
      std::size_t count = 0;
      while (count < items.size() && !empty()) {
        items[count++] = std::move(*this->item());
        std::destroy_at(this->item());
        this->step();
      }
      if (count > 0) {
        this->publish_when_due();
      }
      return count;
    }

    /// Up to `most` of the oldest items, side by side and in place, until release(n). Fewer at the
    /// end of the array.
    std::span<T> peek(std::size_t most) noexcept requires(!kEager) {
      if (empty()) {
        return {};
      }
      return {this->item(),
              std::min({most, this->at_.seen - this->at_.items, this->slots_in_row()})};
    }

    /// Ends the life of the first `items` of what peek() gave.
    void release(std::size_t items) noexcept requires(!kEager) {
      std::destroy_n(this->item(), items);
      this->step(items);
      this->publish_when_due();
    }

    /// True when a pop would fail now.
    bool empty() noexcept {
      if constexpr (kEager) {
        // Acquire: pairs with mark(), so that the item can be read.
        return this->slot().lap.load(std::memory_order_acquire) != this->at_.lap;
      } else {
        if (this->at_.seen == this->at_.items) {
          this->look();
          if (this->at_.seen == this->at_.items) {
            this->flush();  // the producer may be waiting for room that is held back
          }
        }
        return this->at_.seen == this->at_.items;
      }
    }

   private:
    friend class SpscRing;
    friend class Endpoint<Consumer>;
    using Endpoint<Consumer>::Endpoint;

    static Seat& seat_of(SpscRing& ring) noexcept { return ring.consumer_seat_; }
    static SharedCount& own_count(SpscRing& ring) noexcept { return ring.read_; }
    static SharedCount& other_count(SpscRing& ring) noexcept { return ring.written_; }
  };

  /// Room for `capacity` items. Batched tells the other side of every `publish_every` items (0: of
  /// every quarter of the capacity). Throws std::invalid_argument for capacity 0, and what the
  /// allocator throws when there is not enough memory.
  explicit SpscRing(std::size_t capacity, std::size_t publish_every = 0,
                    const Allocator& allocator = Allocator())
      : allocator_(allocator),
        capacity_(checked(capacity)),
        publish_every_(publish_every > 0 ? publish_every : std::max<std::size_t>(1, capacity / 4)),
        lines_(LineTraits::allocate(allocator_, lines_for(capacity))),
        slots_(reinterpret_cast<Slot*>(lines_)) {
    std::uninitialized_value_construct_n(slots_, capacity);
  }

  ~SpscRing() {
    Consumer rest(*this);
    while (rest.front() != nullptr) {
      rest.pop();
    }
    std::destroy_n(slots_, capacity_);
    LineTraits::deallocate(allocator_, lines_, lines_for(capacity_));
  }

  SpscRing(const SpscRing&) = delete;
  SpscRing& operator=(const SpscRing&) = delete;

  std::size_t capacity() const noexcept { return capacity_; }

  /// How many items are in the ring, as far as both sides have told: exact when they are quiet.
  std::size_t size() const noexcept {
    // Relaxed: whatever it says may be over by the time it is used. In this order, what is popped
    // meanwhile makes it too large rather than negative.
    const std::size_t read = read_.items.load(std::memory_order_relaxed);
    const std::size_t written = written_.items.load(std::memory_order_relaxed);
    return written > read ? std::min(written - read, capacity_) : 0;
  }

  /// Takes the producer's side. Throws std::logic_error while it is in use.
  Producer producer() { return Producer(*this); }

  /// Takes the consumer's side. Throws std::logic_error while it is in use.
  Consumer consumer() { return Consumer(*this); }

 private:
  static std::size_t checked(std::size_t capacity) {
    if (capacity == 0) {
      throw std::invalid_argument("a ring needs a capacity of at least 1");
    }
    if (capacity > SIZE_MAX / 2 / sizeof(Slot)) {
      throw std::bad_array_new_length();
    }
    return capacity;
  }

  static std::size_t lines_for(std::size_t capacity) noexcept {
    return (capacity * sizeof(Slot) + sizeof(Line) - 1) / sizeof(Line);
  }

  LineAllocator allocator_;
  std::size_t capacity_;
  std::size_t publish_every_;
  Line* lines_;
  Slot* slots_;
  Seat producer_seat_;
  Seat consumer_seat_;
  SharedCount written_;
  SharedCount read_;
};

}  // namespace pipelab::queue
