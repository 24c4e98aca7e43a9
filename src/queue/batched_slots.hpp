#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <memory>
#include <new>

#include "platform/cpu.hpp"

namespace pipelab::queue {

/// The slots of a ring whose sides tell each other of their progress only every few items: an array
/// of items and nothing else, and a count for each side.
template <class T>
class BatchedSlots {
  struct Slot {
    alignas(T) std::array<std::byte, sizeof(T)> bytes;
  };

  /// How far a side has come, for the other to read: alone on its lines.
  struct alignas(platform::kDestructiveInterference) SharedCount {
    std::atomic<std::size_t> items{0};
  };

 public:
  /// What a slot takes at most, in bytes.
  static constexpr std::size_t kSlotBytes = sizeof(Slot);
  static constexpr std::size_t kAlignment = alignof(Slot);

  /// The bytes that `capacity` slots take.
  static std::size_t bytes_for(std::size_t capacity) noexcept { return capacity * sizeof(Slot); }

  /// Makes `capacity` empty slots in `memory`.
  BatchedSlots(void* memory, std::size_t capacity, std::size_t publish_every) noexcept
      : slots_(static_cast<Slot*>(memory)),
        capacity_(capacity),
        publish_every_(publish_every > 0 ? publish_every : std::max<std::size_t>(1, capacity / 4)) {
    std::uninitialized_value_construct_n(slots_, capacity);  // touches them
  }
  ~BatchedSlots() { std::destroy_n(slots_, capacity_); }
  BatchedSlots(const BatchedSlots&) = delete;
  BatchedSlots& operator=(const BatchedSlots&) = delete;

  /// How many items there are, as far as both sides have told: exact when they are quiet.
  std::size_t size() const noexcept {
    // Relaxed: whatever it says may be over by the time it is used. In this order, what is popped
    // meanwhile makes it too large rather than negative.
    const std::size_t read = read_.items.load(std::memory_order_relaxed);
    const std::size_t written = written_.items.load(std::memory_order_relaxed);
    return written > read ? std::min(written - read, capacity_) : 0;
  }

  /// Where one side is, and what it knows of the other. Only its thread uses it.
  template <bool kProduces>
  class Cursor {
   public:
    explicit Cursor(BatchedSlots& slots) noexcept
        : own_(kProduces ? &slots.written_ : &slots.read_),
          other_(kProduces ? &slots.read_ : &slots.written_),
          slots_(slots.slots_),
          capacity_(slots.capacity_),
          publish_every_(slots.publish_every_) {}

    /// The slot that is next.
    T* item() const noexcept {
      return std::launder(reinterpret_cast<T*>(slots_[slot_].bytes.data()));
    }

    /// How many slots in a row from item() on are this side's now; `wanted` at most. Looks up the
    /// other's count only when the producer seems to have fewer, or the consumer none.
    std::size_t row(std::size_t wanted) noexcept {
      if (ready() < (kProduces ? wanted : 1)) {
        look();
        if (ready() == 0) {
          flush();  // the other side may be waiting for what is held back
        }
      }
      return std::min({wanted, ready(), capacity_ - slot_});
    }

    /// Has done with the next `items` slots, of those that row() gave.
    void step(std::size_t items) noexcept {
      items_ += items;
      slot_ += items;
      if (slot_ == capacity_) {
        slot_ = 0;
      }
      if (items_ - published_ >= publish_every_) {
        publish();
      }
    }

    /// True while the other side has not been told of all that was done.
    bool holds_back() const noexcept { return published_ != items_; }

    /// Tells the other side of all that was done.
    void flush() noexcept {
      if (holds_back()) {
        publish();
      }
    }

   private:
    std::size_t ready() const noexcept {
      return kProduces ? capacity_ - (items_ - seen_) : seen_ - items_;
    }

    void look() noexcept {
      // Acquire: pairs with publish(), so that the other side is done with the slots it handed
      // over.
      seen_ = other_->items.load(std::memory_order_acquire);
    }

    void publish() noexcept {
      published_ = items_;
      // Release: whatever was done with the slots comes before the count that hands them over.
      own_->items.store(items_, std::memory_order_release);
    }

    SharedCount* own_;
    SharedCount* other_;
    Slot* slots_;
    std::size_t capacity_;
    std::size_t publish_every_;
    std::size_t items_{0};      // done so far; only grows
    std::size_t seen_{0};       // the other side's items, as last looked up
    std::size_t published_{0};  // the own items, as last told
    std::size_t slot_{0};       // items modulo the capacity
  };

 private:
  Slot* slots_;
  std::size_t capacity_;
  std::size_t publish_every_;
  SharedCount written_;
  SharedCount read_;
};

}  // namespace pipelab::queue
