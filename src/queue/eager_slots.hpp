#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>

#include "platform/cpu.hpp"

namespace pipelab::queue {

/// The slots of a ring whose items can be popped, and whose room can be used again, at once. They
/// lie in blocks of whole cache lines. A block counts what was ever put into it, in the same line
/// as its (first) slots: so items and the news of them travel in one line, as many as are ready at
/// a time. What was taken from it is counted in that line as well in short rings, whose producer
/// looks there for each block. In long ones it looks far ahead, once for many blocks: there the
/// consumer counts on lines of its own, and leaves the slots' lines to be read only.
template <class T>
class EagerSlots {
  static constexpr std::size_t kCacheLineBytes = 64;

  struct Counts {
    std::atomic<std::uint32_t> filled{0};   // written by the producer only
    std::atomic<std::uint32_t> drained{0};  // written by the consumer only; in short rings
  };

  /// As many slots as share a line with the counts, or one.
  static constexpr std::size_t most_places() {
    constexpr std::size_t kFirst = (sizeof(Counts) + alignof(T) - 1) / alignof(T) * alignof(T);
    return kFirst + sizeof(T) > kCacheLineBytes ? 1 : (kCacheLineBytes - kFirst) / sizeof(T);
  }
  static constexpr std::size_t kMostPlaces = most_places();

  struct alignas(std::max(kCacheLineBytes, alignof(T))) Block {
    Counts counts;
    alignas(T) std::array<std::byte, kMostPlaces * sizeof(T)> bytes;
  };

  using Drained = std::atomic<std::uint32_t>;

  /// How many blocks a side has done with, for size(): alone on its lines.
  struct alignas(platform::kDestructiveInterference) SharedCount {
    std::atomic<std::size_t> blocks{0};
  };

 public:
  /// What a slot takes at most, in bytes.
  static constexpr std::size_t kSlotBytes = sizeof(Block);
  static constexpr std::size_t kAlignment = alignof(Block);

  /// The bytes that `capacity` slots take.
  static std::size_t bytes_for(std::size_t capacity) noexcept {
    const Shape shape(capacity);
    return shape.blocks * (sizeof(Block) + (shape.reach > 0 ? sizeof(Drained) : 0));
  }

  /// Makes `capacity` empty slots in `memory`.
  EagerSlots(void* memory, std::size_t capacity, std::size_t /*publish_every*/) noexcept
      : shape_(capacity), blocks_(static_cast<Block*>(memory)) {
    std::uninitialized_value_construct_n(blocks_, shape_.blocks);
    if (shape_.reach > 0) {
      drained_apart_ = reinterpret_cast<Drained*>(blocks_ + shape_.blocks);
      std::uninitialized_value_construct_n(drained_apart_, shape_.blocks);
    }
  }
  ~EagerSlots() {
    std::destroy_n(blocks_, shape_.blocks);
    if (drained_apart_ != nullptr) {
      std::destroy_n(drained_apart_, shape_.blocks);
    }
  }
  EagerSlots(const EagerSlots&) = delete;
  EagerSlots& operator=(const EagerSlots&) = delete;

  /// How many items there are, exact when both sides are quiet.
  std::size_t size() const noexcept {
    const std::size_t drained = items_done<false>();  // first, so that it is the smaller one
    const std::size_t filled = items_done<true>();
    return filled > drained ? std::min(filled - drained, shape_.capacity) : 0;
  }

  /// Where one side is. Only its thread uses it.
  template <bool kProduces>
  class Cursor {
   public:
    explicit Cursor(EagerSlots& slots) noexcept
        : slots_(&slots),
          first_(slots.blocks_),
          last_(slots.blocks_ + slots.shape_.blocks - 1),
          block_(first_),
          own_(&slots.template count<kProduces>(first_)),
          places_(slots.shape_.places_in(first_ == last_)) {}

    /// The slot that is next.
    T* item() const noexcept {
      return std::launder(reinterpret_cast<T*>(block_->bytes.data())) + place_;
    }

    /// How many slots in a row from item() on are this side's now; `wanted` at most.
    std::size_t row(std::size_t wanted) noexcept {
      if (ready_ == 0) {
        look();
      }
      return std::min<std::size_t>(wanted, ready_);
    }

    /// Hands the next `items` slots, of those that row() gave, to the other side.
    void step(std::size_t items) noexcept {
      const auto count = static_cast<std::uint32_t>(items);
      ready_ -= count;
      place_ += count;
      done_ += count;
      // Release: whatever was done with the slots comes before the count that hands them over.
      own_->store(done_, std::memory_order_release);
      if (place_ == places_) {
        enter_next_block();
      }
    }

    /// Eager holds nothing back.
    bool holds_back() const noexcept { return false; }
    void flush() noexcept {}

   private:
    /// How many of `block`'s slots are this side's when it has `done` with so many of them, of
    /// `places` a lap; 0 or less when none.
    std::int32_t ready_in(Block* block, std::uint32_t done, std::uint32_t places) noexcept {
      const auto& others = slots_->template count<!kProduces>(block);
      // Acquire: pairs with step(), so that the other side is done with the slots it handed over.
      const std::uint32_t count = others.load(std::memory_order_acquire);
      // The producer is a lap ahead: it may go where the consumer was in the lap before. The counts
      // wrap around, and so does their difference.
      return static_cast<std::int32_t>(count - done + (kProduces ? places : 0));
    }

    void look() noexcept {
      if (kProduces && place_ == 0 && look_ahead()) {
        return;
      }
      if constexpr (!kProduces && sizeof(Block) > kCacheLineBytes) {
        // What does not fit in the line of the counts is fetched with it, not after it.
        __builtin_prefetch(reinterpret_cast<const std::byte*>(block_) + kCacheLineBytes);
      }
      const std::int32_t ready = ready_in(block_, done_, places_);
      // What is free beyond the end of the block is the beginning of the next lap.
      ready_ = ready <= 0 ? 0 : std::min(static_cast<std::uint32_t>(ready), places_ - place_);
    }

    /// When a slot far ahead is free, so are all before it, since the consumer frees them in order.
    /// One look, at a line that nobody else needs now, serves for many blocks then.
    bool look_ahead() noexcept {
      const std::size_t reach = slots_->shape_.reach;
      if (reach == 0) {
        return false;
      }
      const auto left = static_cast<std::size_t>(last_ - block_);
      Block* const far = reach <= left ? block_ + reach : first_ + (reach - left - 1);
      const std::uint32_t places = slots_->shape_.places_in(far == last_);
      const std::uint32_t lap = lap_ + (far < block_ ? 1 : 0);
      if (ready_in(far, lap * places, places) <= 0) {
        return false;
      }
      free_blocks_ = reach - 1;
      ready_ = places_;
      return true;
    }

    void enter_next_block() noexcept {
      place_ = 0;
      if (block_++ == last_) {
        block_ = first_;
        ++lap_;
      }
      own_ = &slots_->template count<kProduces>(block_);
      places_ = slots_->shape_.places_in(block_ == last_);
      done_ = lap_ * places_;
      ready_ = 0;
      if (free_blocks_ > 0) {
        --free_blocks_;
        ready_ = places_;
      }
      // Relaxed: only size() asks, and it is an estimate.
      slots_->template shared<kProduces>().blocks.store(++blocks_done_, std::memory_order_relaxed);
    }

    EagerSlots* slots_;
    Block* first_;
    Block* last_;
    Block* block_;
    std::atomic<std::uint32_t>* own_;  // this side's count of the block
    std::uint32_t places_;             // slots of this block
    std::uint32_t place_{0};           // done of them in this lap
    std::uint32_t done_{0};            // done of them in all laps: the own count
    std::uint32_t ready_{0};           // in a row from here, known to be this side's
    std::uint32_t lap_{0};             // how often the first block has been left behind
    std::size_t free_blocks_{0};       // after this one, known to be
    std::size_t blocks_done_{0};
  };

 private:
  /// How slots are laid out in blocks: evenly.
  struct Shape {
    explicit Shape(std::size_t slots) noexcept : capacity(slots) {
      // Looking ahead is not worth it in a ring so short that the consumer is always near.
      constexpr std::size_t kLeastToLookAhead = 32;
      constexpr std::size_t kReachShare = 4;
      const std::size_t fewest = (slots + kMostPlaces - 1) / kMostPlaces;
      places = (slots + fewest - 1) / fewest;
      blocks = (slots + places - 1) / places;
      last_places = slots - (blocks - 1) * places;
      reach = blocks < kLeastToLookAhead ? 0 : blocks / kReachShare;
    }

    std::uint32_t places_in(bool last) const noexcept {
      return static_cast<std::uint32_t>(last ? last_places : places);
    }

    std::size_t capacity;
    std::size_t blocks;
    std::size_t places;  // in each block but the last
    std::size_t last_places;
    std::size_t reach;  // how many blocks ahead the producer looks; 0: it does not
  };

  /// What was ever put into a block, or taken from it.
  template <bool kProduces>
  std::atomic<std::uint32_t>& count(Block* block) const noexcept {
    if constexpr (kProduces) {
      return block->counts.filled;
    }
    return drained_apart_ == nullptr ? block->counts.drained : drained_apart_[block - blocks_];
  }

  template <bool kProduces>
  SharedCount& shared() noexcept {
    return kProduces ? filled_ : drained_;
  }

  /// What one side has done, as far as it can be seen.
  template <bool kProduces>
  std::size_t items_done() const noexcept {
    // Relaxed: whatever it says may be over by the time it is used.
    const std::size_t blocks =
        (kProduces ? filled_ : drained_).blocks.load(std::memory_order_relaxed);
    const std::size_t index = blocks % shape_.blocks;
    const std::size_t lap = blocks / shape_.blocks;
    const std::uint32_t places = shape_.places_in(index == shape_.blocks - 1);
    const std::uint32_t here = count<kProduces>(blocks_ + index).load(std::memory_order_relaxed) -
                               static_cast<std::uint32_t>(lap) * places;
    return lap * shape_.capacity + index * shape_.places + std::min(here, places);
  }

  Shape shape_;
  Block* blocks_;
  Drained* drained_apart_{nullptr};  // of each block, where the producer looks far ahead
  SharedCount filled_;
  SharedCount drained_;
};

}  // namespace pipelab::queue
