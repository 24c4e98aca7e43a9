#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory_resource>
#include <vector>

#include "platform/cpu.hpp"

namespace pipelab::rpc {

/// Numbers below a limit, of which the one that was pushed last is popped first. Any threads push
/// and pop, without a lock (R. K. Treiber, Systems Programming: Coping with Parallelism, 1986).
/// Each change of the top has a number of its own beside it, so that who read a top and its next
/// sees that it came back with another next (ABA).
class SharedStack {
 public:
  SharedStack(std::size_t limit, std::pmr::memory_resource& shared) : next_(limit, &shared) {}

  void push(std::uint32_t number) noexcept {
    std::uint64_t top = top_.load(std::memory_order_relaxed);
    do {
      // Relaxed: released with the top.
      next_[number].store(place_in(top), std::memory_order_relaxed);
      // Release: with what its user left there.
    } while (!top_.compare_exchange_weak(top, after(top, number + 1), std::memory_order_release,
                                         std::memory_order_relaxed));
  }

  /// False where there is none.
  bool pop(std::uint32_t& number) noexcept {
    std::uint64_t top = top_.load(std::memory_order_acquire);
    while (place_in(top) != 0) {
      number = place_in(top) - 1;
      const std::uint32_t next = next_[number].load(std::memory_order_relaxed);
      if (top_.compare_exchange_weak(top, after(top, next), std::memory_order_acquire,
                                     std::memory_order_acquire)) {
        return true;
      }
    }
    return false;
  }

 private:
  // A top is a number and one more, 0 where there is none, below the count of changes.
  static std::uint32_t place_in(std::uint64_t top) noexcept {
    return static_cast<std::uint32_t>(top);
  }
  static std::uint64_t after(std::uint64_t top, std::uint32_t place) noexcept {
    constexpr unsigned kPlaceBits = 32;
    return ((top >> kPlaceBits) + 1) << kPlaceBits | place;
  }

  static_assert(std::atomic<std::uint64_t>::is_always_lock_free);  // two processes share it

  std::pmr::vector<std::atomic<std::uint32_t>> next_;
  alignas(platform::kDestructiveInterference) std::atomic<std::uint64_t> top_{0};
};

}  // namespace pipelab::rpc
