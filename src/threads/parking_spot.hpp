#pragma once

#include <atomic>
#include <cstdint>
#include <optional>

#include "platform/clock.hpp"
#include "platform/cpu.hpp"

namespace pipelab::threads {

/// Where one thread sleeps until another has changed what it waits for. One sleeper, any wakers.
///
/// The two sides do what Dekker's algorithm does: each writes its own word (the sleeper `parked_`,
/// the waker whatever `ready` reads), passes a full barrier, and reads the other's. So at least one
/// of them sees the other's write, and no wake-up is lost. While the sleeper is awake a wake()
/// costs the barrier and one load, no system call.
class alignas(platform::kDestructiveInterference) ParkingSpot {
 public:
  /// Whose threads meet here: those of one process, or of all that have the memory.
  enum class Reach { kProcess, kAll };

  explicit ParkingSpot(Reach reach = Reach::kProcess) noexcept : reach_(reach) {}

  /// Sleeps unless `ready()` holds, for `limit_ns` at most, and as long again where `ready()` holds
  /// by then and the wake-up is still to come: who makes both may have lost its CPU in between.
  /// False when nobody woke it even then: a wake-up was lost. May return early: call it in a loop
  /// that tries again.
  template <class Ready>
  bool park(Ready ready, std::optional<platform::Nanoseconds> limit_ns = std::nullopt) noexcept {
    // Relaxed: the fence orders it before ready()'s reads, and wake()'s fence pairs with that one.
    parked_.store(1, std::memory_order_relaxed);
    std::atomic_thread_fence(std::memory_order_seq_cst);
    const bool in_time =
        ready() || sleep_while_parked(limit_ns) || !ready() || sleep_while_parked(limit_ns);
    // Relaxed: only this thread ever sets it to 1, and a late wake() that still sees 1 is harmless.
    if (in_time) {
      parked_.store(0, std::memory_order_relaxed);
      return true;
    }
    return parked_.exchange(0, std::memory_order_relaxed) == 0;
  }

  /// Wakes the sleeper if it sleeps. Call it after the write that makes its `ready()` true.
  void wake() noexcept {
    std::atomic_thread_fence(std::memory_order_seq_cst);
    // Relaxed: the fence above orders it after the caller's write.
    if (parked_.load(std::memory_order_relaxed) != 0) {
      wake_sleeper();
    }
  }

  /// The word at which the sleeper sleeps, for sides in other languages: 1 says that it does.
  const std::atomic<std::uint32_t>& word() const noexcept { return parked_; }

  /// How many wake-up system calls the wakers have made. Ask when they are quiet.
  std::uint64_t wake_ups() const noexcept { return wake_ups_.load(std::memory_order_relaxed); }

 private:
  bool sleep_while_parked(std::optional<platform::Nanoseconds> limit_ns) noexcept;
  void wake_sleeper() noexcept;

  std::atomic<std::uint32_t> parked_{0};
  Reach reach_;
  std::atomic<std::uint64_t> wake_ups_{0};
};

}  // namespace pipelab::threads
