#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <new>
#include <span>
#include <stdexcept>
#include <type_traits>
#include <utility>

#include "platform/cpu.hpp"
#include "queue/batched_slots.hpp"
#include "queue/eager_slots.hpp"

namespace pipelab::queue {

/// Publication policy: an item can be popped, and its room used again, as soon as the call returns.
struct Eager {};

/// Publication policy: either side tells the other of its progress only every few items, on
/// flush(), and when it finds that it can go no further, so that an item may wait for those after
/// it.
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
  using Slots = std::conditional_t<kEager, EagerSlots<T>, BatchedSlots<T>>;

  /// What memory is asked for in, so that small slots do not straddle cache lines.
  struct alignas(std::max(platform::kDestructiveInterference, Slots::kAlignment)) Line {
    std::array<std::byte, std::max(platform::kDestructiveInterference, Slots::kAlignment)> bytes;
  };
  using LineAllocator = typename std::allocator_traits<Allocator>::template rebind_alloc<Line>;
  using LineTraits = std::allocator_traits<LineAllocator>;

  /// A side's place, kept here while nobody holds it: alone on its lines.
  template <bool kProduces>
  struct alignas(platform::kDestructiveInterference) Seat {
    typename Slots::template Cursor<kProduces> cursor;
    bool taken{false};
  };

  /// What both sides can do: hold their seat, and tell of what they did.
  template <bool kProduces>
  class Endpoint {
   public:
    Endpoint(Endpoint&& other) noexcept
        : at_(other.at_), seat_(std::exchange(other.seat_, nullptr)), capacity_(other.capacity_) {}
    Endpoint(const Endpoint&) = delete;
    Endpoint& operator=(const Endpoint&) = delete;
    Endpoint& operator=(Endpoint&&) = delete;

    std::size_t capacity() const noexcept { return capacity_; }

    /// True while the other side has not been told of all that was done.
    bool holds_back() const noexcept { return at_.holds_back(); }

    /// Tells the other side of all that was done. Eager holds nothing back.
    void flush() noexcept { at_.flush(); }

   protected:
    Endpoint(Seat<kProduces>& seat, std::size_t capacity)
        : at_(seat.cursor), seat_(&seat), capacity_(capacity) {
      if (std::exchange(seat.taken, true)) {
        throw std::logic_error("this side of the ring is in use");
      }
    }
    ~Endpoint() {
      if (seat_ != nullptr) {
        flush();
        seat_->cursor = at_;
        seat_->taken = false;
      }
    }

    typename Slots::template Cursor<kProduces> at_;

   private:
    Seat<kProduces>* seat_;
    std::size_t capacity_;
  };

 public:
  /// The side that pushes.
  class Producer : public Endpoint<true> {
   public:
    /// Constructs an item in the ring; false when that is full. If T's constructor throws, the ring
    /// is as before.
    template <class... Arguments>
    bool try_emplace(Arguments&&... arguments) {
      if (full()) {
        return false;
      }
      ::new (static_cast<void*>(this->at_.item())) T(std::forward<Arguments>(arguments)...);
      commit();
      return true;
    }

    bool try_push(const T& item) { return try_emplace(item); }
    bool try_push(T&& item) { return try_emplace(std::move(item)); }

    /// Copies as many of `items` as fit, from the first, and returns how many.
    std::size_t push(std::span<const T> items) {
      std::size_t done = 0;
      while (done < items.size()) {
        const std::size_t row = this->at_.row(items.size() - done);
        if (row == 0) {
          break;
        }
        copy(items.subspan(done, row));
        done += row;
      }
      return done;
    }

    /// Room for one item, to be filled in place and handed over by commit(); null when the ring is
    /// full.
    T* reserve() noexcept requires kInPlace {
      return full() ? nullptr : ::new (static_cast<void*>(this->at_.item())) T;
    }

    /// Room for up to `most` items side by side, to be filled in place and handed over by
    /// commit(n). Fewer where the memory is not in one piece.
    std::span<T> reserve(std::size_t most) noexcept requires(kInPlace && !kEager) {
      return {this->at_.item(), this->at_.row(most)};
    }

    /// Hands over what reserve() gave.
    void commit() noexcept { this->at_.step(1); }

    /// Hands over the first `items` of what reserve(most) gave.
    void commit(std::size_t items) noexcept requires(!kEager) { this->at_.step(items); }

    /// True when a push would fail now.
    bool full() noexcept { return this->at_.row(1) == 0; }

   private:
    friend class SpscRing;
    explicit Producer(SpscRing& ring) : Endpoint<true>(ring.producer_seat_, ring.capacity_) {}

    /// Copies `items` to the slots in a row that are next. What comes before a copy that throws
    /// stays in the ring.
    void copy(std::span<const T> items) {
      if constexpr (std::is_trivially_copyable_v<T>) {
        copy_items(items.data(), items.size(), this->at_.item());
        this->at_.step(items.size());
      } else {
        for (const T& item : items) {
          ::new (static_cast<void*>(this->at_.item())) T(item);
          this->at_.step(1);
        }
      }
    }
  };

  /// The side that pops.
  class Consumer : public Endpoint<false> {
   public:
    /// The oldest item, in place, until pop(); null when the ring is empty.
    T* front() noexcept { return empty() ? nullptr : this->at_.item(); }

    /// Ends the life of what front() has just given (not null).
    void pop() noexcept {
      std::destroy_at(this->at_.item());
      this->at_.step(1);
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
      std::size_t done = 0;
      while (done < items.size()) {
        const std::size_t row = this->at_.row(items.size() - done);
        if (row == 0) {
          break;
        }
        move(items.subspan(done, row));
        done += row;
      }
      return done;
    }

    /// Up to `most` of the oldest items, side by side and in place, until release(n). Fewer where
    /// the memory is not in one piece.
    std::span<T> peek(std::size_t most) noexcept requires(!kEager) {
      return {this->at_.item(), this->at_.row(most)};
    }

    /// Ends the life of the first `items` of what peek() gave.
    void release(std::size_t items) noexcept requires(!kEager) {
      std::destroy_n(this->at_.item(), items);
      this->at_.step(items);
    }

    /// True when a pop would fail now.
    bool empty() noexcept { return this->at_.row(1) == 0; }

   private:
    friend class SpscRing;
    explicit Consumer(SpscRing& ring) : Endpoint<false>(ring.consumer_seat_, ring.capacity_) {}

    /// Moves the oldest items, as many as lie in a row, to `items`. The one whose move throws, and
    /// those after it, stay in the ring.
    void move(std::span<T> items) {
      if constexpr (std::is_trivially_copyable_v<T>) {
        copy_items(this->at_.item(), items.size(), items.data());
        this->at_.step(items.size());
      } else {
        for (T& item : items) {
          item = std::move(*this->at_.item());
          pop();
        }
      }
    }
  };

  /// Room for `capacity` items. Batched tells the other side of every `publish_every` items (0: of
  /// every quarter of the capacity). Throws std::invalid_argument for capacity 0, and what the
  /// allocator throws when there is not enough memory.
  explicit SpscRing(std::size_t capacity, std::size_t publish_every = 0,
                    const Allocator& allocator = Allocator())
      : capacity_(checked(capacity)),
        memory_(allocator, lines_for(capacity)),
        slots_(memory_.lines, capacity, publish_every),
        producer_seat_{.cursor = typename Slots::template Cursor<true>(slots_)},
        consumer_seat_{.cursor = typename Slots::template Cursor<false>(slots_)} {}

  ~SpscRing() {
    for (auto& rest = consumer_seat_.cursor; rest.row(1) != 0; rest.step(1)) {
      std::destroy_at(rest.item());
    }
  }

  SpscRing(const SpscRing&) = delete;
  SpscRing& operator=(const SpscRing&) = delete;

  std::size_t capacity() const noexcept { return capacity_; }

  /// How many items are in the ring, as far as both sides have told: exact when they are quiet.
  std::size_t size() const noexcept { return slots_.size(); }

  /// Takes the producer's side. Throws std::logic_error while it is in use.
  Producer producer() { return Producer(*this); }

  /// Takes the consumer's side. Throws std::logic_error while it is in use.
  Consumer consumer() { return Consumer(*this); }

 private:
  /// As std::memcpy, but item by item. The C library's wide loads would have to wait until the
  /// narrower stores that a caller has just made to a batch have left the store buffer, behind all
  /// stores to lines that the other side has: that halves the rate.
  static void copy_items(const T* from, std::size_t count, T* to) noexcept {
    for (std::size_t item = 0; item < count; ++item) {
      std::memcpy(to + item, from + item, sizeof(T));
      asm volatile("");  // or the compiler makes this loop a call of memcpy
    }
  }

  static std::size_t checked(std::size_t capacity) {
    if (capacity == 0) {
      throw std::invalid_argument("a ring needs a capacity of at least 1");
    }
    if (capacity > SIZE_MAX / 2 / Slots::kSlotBytes) {
      throw std::bad_array_new_length();
    }
    return capacity;
  }

  static std::size_t lines_for(std::size_t capacity) noexcept {
    return (Slots::bytes_for(capacity) + sizeof(Line) - 1) / sizeof(Line);
  }

  /// The lines that the slots lie in.
  struct Memory {
    Memory(const Allocator& given, std::size_t wanted)
        : allocator(given), count(wanted), lines(LineTraits::allocate(allocator, wanted)) {}
    ~Memory() { LineTraits::deallocate(allocator, lines, count); }
    Memory(const Memory&) = delete;
    Memory& operator=(const Memory&) = delete;

    LineAllocator allocator;
    std::size_t count;
    Line* lines;
  };

  std::size_t capacity_;
  Memory memory_;
  Slots slots_;
  Seat<true> producer_seat_;
  Seat<false> consumer_seat_;
};

}  // namespace pipelab::queue
