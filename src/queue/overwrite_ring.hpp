#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory_resource>
#include <stdexcept>
#include <vector>

#include "platform/cpu.hpp"

namespace pipelab::queue {

/// A bounded queue for one producer thread and one consumer thread in which a push never fails:
/// when the queue is full, the newest item takes the place of the oldest. Pushing is wait-free; a
/// pop tries again only when the producer has just displaced the item that it wanted. Items leave
/// in the order in which they came.
///
/// No item is ever copied or torn: the two sides and the slots own `capacity + 2` buffers in all,
/// and exchange them. Each slot is one atomic word that says which buffer lies in it, which item
/// that buffer holds, and whether it still waits to be popped.
///
/// The two sides are objects of their own, each for one thread, as in SpscRing.
template <class T>
class OverwriteRing {
  using Word = std::uint64_t;

  // From the low end: the buffer's index, whether the item waits, the item's number.
  static constexpr unsigned kIndexBits = 26;
  static constexpr Word kWaits = Word{1} << kIndexBits;
  static constexpr unsigned kNumberShift = kIndexBits + 1;

  static constexpr Word word(Word number, Word waits, std::size_t index) noexcept {
    return number << kNumberShift | waits | index;
  }
  static constexpr std::size_t index_in(Word word) noexcept { return word & (kWaits - 1); }
  static constexpr bool waits(Word word) noexcept { return (word & kWaits) != 0; }
  static constexpr Word number_in(Word word) noexcept { return word >> kNumberShift; }
  /// Numbers as words hold them.
  static constexpr Word cut(Word number) noexcept { return number << kNumberShift >> kNumberShift; }

 public:
  /// The largest capacity.
  static constexpr std::size_t kMaxCapacity = (std::size_t{1} << kIndexBits) - 2;

  /// The side that pushes.
  class Producer {
   public:
    /// The buffer in the producer's hand: fill it, then push() it. After a push that displaced an
    /// item it holds that one.
    T& hand() noexcept { return ring_->buffers_[hand_]; }

    /// Puts the buffer in the producer's hand into the queue, and takes another in hand. True when
    /// that is the oldest item, displaced.
    bool push() noexcept {
      // Release: what is in the buffer comes before the word that hands it over. Acquire: the
      // consumer is done with the buffer that is got for it.
      const Word before =
          ring_->slots_[slot_].exchange(word(number_, kWaits, hand_), std::memory_order_acq_rel);
      hand_ = index_in(before);
      number_ = cut(number_ + 1);
      slot_ = ring_->after(slot_);
      return waits(before);
    }

   private:
    friend class OverwriteRing;
    explicit Producer(OverwriteRing& ring) noexcept : ring_(&ring), hand_(ring.capacity()) {}

    OverwriteRing* ring_;
    std::size_t slot_{0};
    std::size_t hand_;
    Word number_{0};
  };

  /// The side that pops.
  class Consumer {
   public:
    /// The oldest item, whose buffer is the consumer's until its next pop; null when the queue is
    /// empty.
    T* pop() noexcept {
      for (;;) {
        // Relaxed: nothing is read through it before the exchange below confirms it.
        Word seen = ring_->slots_[slot_].load(std::memory_order_relaxed);
        if (!waits(seen)) {
          return nullptr;
        }
        if (number_in(seen) != number_) {  // a lap behind: the oldest is now in the next slot
          number_ = cut(number_in(seen) - ring_->capacity() + 1);
          slot_ = ring_->after(slot_);
        } else if (ring_->slots_[slot_].compare_exchange_strong(
                       seen, word(number_, 0, hand_),
                       // As in push(): give a buffer up, and get one.
                       std::memory_order_acq_rel, std::memory_order_relaxed)) {
          hand_ = index_in(seen);
          number_ = cut(number_ + 1);
          slot_ = ring_->after(slot_);
          return &ring_->buffers_[hand_];
        }
      }
    }

    /// True when a pop would find nothing now.
    bool empty() const noexcept {
      // Relaxed: a look; the pop that follows orders what it takes.
      return !waits(ring_->slots_[slot_].load(std::memory_order_relaxed));
    }

   private:
    friend class OverwriteRing;
    explicit Consumer(OverwriteRing& ring) noexcept : ring_(&ring), hand_(ring.capacity() + 1) {}

    OverwriteRing* ring_;
    std::size_t slot_{0};
    std::size_t hand_;
    Word number_{0};
  };

  /// Room for `buffers.size() - 2` items. `buffers` are what the sides and slots own at first, the
  /// last two by the producer and the consumer. Throws std::invalid_argument for a capacity below 1
  /// or above kMaxCapacity.
  explicit OverwriteRing(std::pmr::vector<T> buffers)
      : buffers_(std::move(buffers)),
        slots_(checked_capacity(buffers_.size()), buffers_.get_allocator()) {
    for (std::size_t slot = 0; slot < slots_.size(); ++slot) {
      // Relaxed: whoever hands the ring to the threads orders it.
      slots_[slot].store(word(0, 0, slot), std::memory_order_relaxed);
    }
  }

  OverwriteRing(const OverwriteRing&) = delete;
  OverwriteRing& operator=(const OverwriteRing&) = delete;
  ~OverwriteRing() = default;

  std::size_t capacity() const noexcept { return slots_.size(); }

  /// The producer's side, and the consumer's. Take each once.
  Producer producer() noexcept { return Producer(*this); }
  Consumer consumer() noexcept { return Consumer(*this); }

 private:
  static std::size_t checked_capacity(std::size_t buffers) {
    if (buffers < 3 || buffers - 2 > kMaxCapacity) {
      throw std::invalid_argument("a ring needs a capacity of at least 1 and at most 2^26 - 2");
    }
    return buffers - 2;
  }

  std::size_t after(std::size_t slot) const noexcept {
    return slot + 1 == slots_.size() ? 0 : slot + 1;
  }

  std::pmr::vector<T> buffers_;
  std::pmr::vector<std::atomic<Word>> slots_;
};

}  // namespace pipelab::queue
