#pragma once

#include <atomic>
#include <cstdint>
#include <memory_resource>

#include "platform/clock.hpp"
#include "threads/parking_spot.hpp"

namespace pipelab::threads {

// A bell wakes the one thread that sleeps at it, in whatever process. What both use of it is in
// shared memory.
//
//     ring()              after the write that makes its `ready()` true
//     sleep(ready, limit) unless `ready()`, and for as long at most, where it can, as
//                         ParkingSpot's park() does: false says that a wake-up was lost. It may
//                         end early.
//     rung()              how many system calls of this process rang it

/// Rings only where somebody sleeps: ParkingSpot.
class ElidedBell {
 public:
  explicit ElidedBell(std::pmr::memory_resource& shared)
      : spot_(*std::pmr::polymorphic_allocator<>(&shared).new_object<ParkingSpot>(
            ParkingSpot::Reach::kAll)) {}

  void ring() noexcept { spot_.wake(); }

  template <class Ready>
  bool sleep(Ready ready, platform::Nanoseconds limit_ns) noexcept {
    return spot_.park(ready, limit_ns);
  }

  std::uint64_t rung() const noexcept { return spot_.wake_ups(); }

  const std::atomic<std::uint32_t>& word() const noexcept { return spot_.word(); }

 private:
  ParkingSpot& spot_;
};

/// What one writes first with futex(2): each ring is a system call.
class FutexBell {
 public:
  explicit FutexBell(std::pmr::memory_resource& shared)
      : rings_(*std::pmr::polymorphic_allocator<>(&shared).new_object<std::atomic<std::uint32_t>>(
            0U)) {}

  void ring() noexcept;

  template <class Ready>
  bool sleep(Ready ready, platform::Nanoseconds limit_ns) noexcept {
    const std::uint32_t heard = rings_.load();
    return ready() || wait(heard, limit_ns) || !ready() || wait(heard, limit_ns);
  }

  std::uint64_t rung() const noexcept { return rung_.load(std::memory_order_relaxed); }

 private:
  bool wait(std::uint32_t heard, platform::Nanoseconds limit_ns) noexcept;

  std::atomic<std::uint32_t>& rings_;
  std::atomic<std::uint64_t> rung_{0};  // who lets all go on rings as well
};

/// An eventfd(2), which each ring writes to and each sleep reads from. It knows no limit.
class EventfdBell {
 public:
  explicit EventfdBell(std::pmr::memory_resource& shared);
  EventfdBell(const EventfdBell&) = delete;
  EventfdBell& operator=(const EventfdBell&) = delete;
  EventfdBell(EventfdBell&&) = delete;
  EventfdBell& operator=(EventfdBell&&) = delete;
  ~EventfdBell();

  void ring() noexcept;

  template <class Ready>
  bool sleep(Ready ready, platform::Nanoseconds /*limit_ns*/) noexcept {
    if (!ready()) {
      wait();
    }
    return true;
  }

  std::uint64_t rung() const noexcept { return rung_.load(std::memory_order_relaxed); }

 private:
  void wait() const noexcept;

  int file_;
  std::atomic<std::uint64_t> rung_{0};  // who lets all go on rings as well
};

}  // namespace pipelab::threads
