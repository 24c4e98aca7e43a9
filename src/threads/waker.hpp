#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string_view>

#include "platform/cpu.hpp"

namespace pipelab::threads {

/// What the thread of an event loop sleeps in: a futex(2); a read(2) of an eventfd or of a pipe; an
/// epoll_wait(2) on an eventfd, which it then reads; or a condition variable.
enum class WakeBy { kFutex, kEventfd, kPipe, kEpoll, kCondvar };

/// Where an event loop sleeps until one of many threads has work for it.
///
/// It is ParkingSpot's protocol with many wakers: the sleeper writes that it is asleep, passes a
/// full barrier and looks for work; a waker has written its work, passes a full barrier and looks
/// whether the sleeper is asleep. At least one of the two sees the other's write. Of all wakers
/// that find it asleep, the one that takes the word back makes the system call.
class Waker {
 public:
  /// Unless it `elides`, every wake() makes the system call. Throws std::system_error.
  explicit Waker(WakeBy mechanism, bool elides = true);
  Waker(const Waker&) = delete;
  Waker& operator=(const Waker&) = delete;
  Waker(Waker&&) = delete;
  Waker& operator=(Waker&&) = delete;
  ~Waker();

  /// Sleeps unless `ready()` holds. May return early: call it in a loop that tries again.
  template <class Ready>
  void sleep(Ready ready) {
    // Relaxed: the fence orders it before ready()'s reads, and wake()'s fence pairs with that one.
    asleep_.store(1, std::memory_order_relaxed);
    std::atomic_thread_fence(std::memory_order_seq_cst);
    if (!ready()) {
      ++sleeps_;
      wait();
    }
    // Relaxed: only this thread sets it to 1, and a late wake() that still sees 1 is harmless.
    asleep_.store(0, std::memory_order_relaxed);
  }

  /// Wakes the sleeper if it sleeps. Call it after the write that makes its `ready()` true.
  void wake() {
    std::atomic_thread_fence(std::memory_order_seq_cst);
    // Relaxed: the fence above orders it after the caller's write.
    if (!elides_ || (asleep_.load(std::memory_order_relaxed) != 0 &&
                     asleep_.exchange(0, std::memory_order_relaxed) != 0)) {
      // Relaxed: it is only counted.
      wakes_.fetch_add(1, std::memory_order_relaxed);
      notify();
    }
  }

  /// What a turn of the loop costs beside its tasks: a look at its files, where it has an epoll.
  void poll() noexcept;

  bool asleep() const noexcept { return asleep_.load(std::memory_order_relaxed) != 0; }
  std::uint64_t wakes() const noexcept { return wakes_.load(std::memory_order_relaxed); }
  std::uint64_t sleeps() const noexcept { return sleeps_; }  ///< ask when the sleeper is gone

 private:
  void wait();
  void notify();

  WakeBy mechanism_;
  bool elides_;
  int read_{-1};   // an eventfd, or a pipe's end; the loop reads it
  int write_{-1};  // the same eventfd, or the pipe's other end
  int epoll_{-1};
  std::mutex mutex_;  // of the condition variable, as is what follows
  std::condition_variable notified_;
  bool is_notified_{false};
  alignas(platform::kDestructiveInterference) std::atomic<std::uint32_t> asleep_{0};
  alignas(platform::kDestructiveInterference) std::atomic<std::uint64_t> wakes_{0};
  std::uint64_t sleeps_{0};
};

}  // namespace pipelab::threads
