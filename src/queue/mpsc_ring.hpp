#pragma once

#include <atomic>
#include <bit>
#include <cstddef>
#include <vector>

#include "platform/cpu.hpp"
#include "queue/mpsc.hpp"

namespace pipelab::queue {

/// A bounded ring whose producers each take a ticket by one fetch-and-add, and then have a slot for
/// themselves. A slot says for which ticket it is free or filled, so that a ticket that comes too
/// early waits there. Before it takes one, a producer looks whether there is room, for others may
/// come in between: as many slots more as there are producers make that wait rare.
template <class T>
class MpscRing {
  struct alignas(platform::kDestructiveInterference / 2) Slot {
    std::atomic<std::size_t> turn{0};  // a ticket: free for it; one more: filled by it
    T item{};
  };

 public:
  using Item = T;

  class Producer {
   public:
    template <class Pause = NoPause>
    bool try_push(const T& item, Pause pause = {}) noexcept(noexcept(pause())) {
      if (fill() >= ring_->capacity_) {
        return false;
      }
      // Release: who sees this ticket sees what its producer knew to be free. The slot's turn
      // orders all that is in it.
      const std::size_t ticket = ring_->tail_.fetch_add(1, std::memory_order_release);
      pause();
      Slot& slot = ring_->slots_[ticket & ring_->mask_];
      while (slot.turn.load(std::memory_order_acquire) != ticket) {
        platform::let_others_run();
      }
      slot.item = item;
      slot.turn.store(ticket + 1, std::memory_order_release);
      return true;
    }

   private:
    friend class MpscRing;
    explicit Producer(MpscRing& ring) : ring_(&ring) {}

    /// How much there is at most, looking the head up only when there seems to be no room.
    std::size_t fill() noexcept {
      // Acquire: the tail is of a time before the head's, so that what others push meanwhile is
      // never counted without what was popped for it. The head may be ahead of it.
      const std::size_t tail = ring_->tail_.load(std::memory_order_acquire);
      if (tail - head_seen_ >= ring_->capacity_) {
        head_seen_ = ring_->head_.load(std::memory_order_acquire);
      }
      const auto fill = static_cast<std::ptrdiff_t>(tail - head_seen_);
      return fill < 0 ? 0 : static_cast<std::size_t>(fill);
    }

    MpscRing* ring_;
    std::size_t head_seen_{0};
  };

  MpscRing(std::size_t producers, std::size_t share)
      : capacity_(producers * share),
        slots_(std::bit_ceil(capacity_ + producers)),
        mask_(slots_.size() - 1) {
    for (std::size_t ticket = 0; ticket < slots_.size(); ++ticket) {
      slots_[ticket].turn = ticket;
    }
  }

  Producer producer(std::size_t /*which*/) { return Producer(*this); }

  bool try_pop(T& item) noexcept {
    if (empty()) {
      return false;
    }
    const std::size_t ticket = head_.load(std::memory_order_relaxed);  // only this thread stores it
    Slot& slot = slots_[ticket & mask_];
    item = slot.item;
    slot.turn.store(ticket + slots_.size(), std::memory_order_release);
    head_.store(ticket + 1, std::memory_order_release);
    return true;
  }

  bool empty() const noexcept {
    const std::size_t ticket = head_.load(std::memory_order_relaxed);
    return slots_[ticket & mask_].turn.load(std::memory_order_acquire) != ticket + 1;
  }

  std::size_t bytes() const noexcept { return slots_.size() * sizeof(Slot); }

 private:
  std::size_t capacity_;
  std::vector<Slot> slots_;
  std::size_t mask_;
  alignas(platform::kDestructiveInterference) std::atomic<std::size_t> tail_{0};
  alignas(platform::kDestructiveInterference) std::atomic<std::size_t> head_{0};
};

}  // namespace pipelab::queue
