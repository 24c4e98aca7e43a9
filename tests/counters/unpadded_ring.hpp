#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

/// A specimen: the ring of src/queue/spsc_ring.hpp (eager, marks in the slots) as one would write
/// it first, with what belongs to either side next to each other. They fit one cache line, so each
/// push takes it from the consumer and each pop takes it from the producer, though neither looks at
/// what the other wrote.
template <class T, std::size_t kCapacity>
class UnpaddedRing {
 public:
  bool try_push(const T& item) {
    if (written_ - seen_ == kCapacity) {
      seen_ = read_.load(std::memory_order_acquire);  // pairs with try_pop: the slot is free
      if (written_ - seen_ == kCapacity) {
        return false;
      }
    }
    Slot& slot = slots_[written_ % kCapacity];
    slot.item = item;
    slot.lap.store(lap(written_), std::memory_order_release);  // the item comes before its mark
    ++written_;
    return true;
  }

  bool try_pop(T& item) {
    const std::size_t read = read_.load(std::memory_order_relaxed);  // only this side writes it
    Slot& slot = slots_[read % kCapacity];
    if (slot.lap.load(std::memory_order_acquire) != lap(read)) {  // pairs with try_push
      return false;
    }
    item = slot.item;
    read_.store(read + 1, std::memory_order_release);  // the slot is free after it was read
    return true;
  }

 private:
  struct Slot {
    std::atomic<std::size_t> lap{0};
    T item{};
  };

  static std::size_t lap(std::size_t count) { return count / kCapacity + 1; }

  alignas(64) std::size_t written_{0};  // the producer's
  std::size_t seen_{0};                 // the producer's: the consumer's count, as last looked up
  std::atomic<std::size_t> read_{0};    // the consumer's
  alignas(64) std::array<Slot, kCapacity> slots_{};
};
