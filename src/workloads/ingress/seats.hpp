#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "platform/clock.hpp"
#include "platform/cpu.hpp"
#include "threads/parking_spot.hpp"
#include "workloads/ingress/options.hpp"

namespace pipelab::ingress {

/// What a producer and who runs its tasks tell each other beside the tasks.
class Seat {
 public:
  explicit Seat(std::size_t share) : published_ns_(share) {}

  // The producer's side. `number` is that of the task which it submits.

  void begin(std::uint64_t number) noexcept {
    step_.store(2 * number + 1, std::memory_order_relaxed);
  }

  void end(std::uint64_t number, platform::Nanoseconds published_ns) noexcept {
    published_ns_[place_of(number)].store(published_ns, std::memory_order_relaxed);
    // Release: who sees that it was handed over finds it in the queue.
    step_.store(2 * number + 2, std::memory_order_release);
  }

  /// Sleeps until `ready()`, of what done() says, or the run is over.
  template <class Ready>
  void wait_until(Ready ready) noexcept {
    while (!ready()) {
      spot_.park(ready);
    }
  }

  // The other side.

  /// Says that the task is done, and its room free. Who waits is to be woken.
  void finish(std::uint64_t number) noexcept { done_.store(number + 1, std::memory_order_release); }

  void wake() noexcept { spot_.wake(); }

  /// When a task was published that was submitted then; now, if that is not known yet.
  platform::Nanoseconds published_ns(std::uint64_t number, platform::Nanoseconds submitted_ns,
                                     platform::Nanoseconds now_ns) const noexcept {
    const platform::Nanoseconds published_ns =
        published_ns_[place_of(number)].load(std::memory_order_relaxed);
    return published_ns < submitted_ns ? now_ns : published_ns;
  }

  // Anybody's.

  std::uint64_t done() const noexcept { return done_.load(std::memory_order_acquire); }
  std::uint64_t handed_over() const noexcept { return step_.load(std::memory_order_acquire) / 2; }

  /// Odd within a submit.
  std::uint64_t step() const noexcept { return step_.load(std::memory_order_relaxed); }

 private:
  std::size_t place_of(std::uint64_t number) const noexcept {
    return static_cast<std::size_t>(number % published_ns_.size());
  }

  alignas(platform::kDestructiveInterference) std::atomic<std::uint64_t> step_{0};
  std::vector<std::atomic<platform::Nanoseconds>> published_ns_;  // of the last tasks
  alignas(platform::kDestructiveInterference) std::atomic<std::uint64_t> done_{0};
  threads::ParkingSpot spot_;
};

/// All producers' seats, and how the run ends: when it is closed, nothing more is submitted; when
/// all producers have left after that, or of themselves, what is in the queue is all there is.
class Seats {
 public:
  explicit Seats(const Options& options);

  Seat& operator[](std::size_t producer) noexcept { return seats_[producer]; }
  std::size_t size() const noexcept { return seats_.size(); }

  void close() noexcept;
  bool closed() const noexcept { return closed_.load(std::memory_order_acquire); }

  // Release and acquire: who sees that all have left also sees what they submitted.
  void leave() noexcept { left_.fetch_add(1, std::memory_order_release); }
  bool all_left() const noexcept { return left_.load(std::memory_order_acquire) == seats_.size(); }

  /// How many tasks are done, if some are not: for the watchdog.
  std::optional<std::uint64_t> progress();

  /// Who holds it up, when there is no progress any more, with the state of the queue.
  std::string stall(bool loop_sleeps) const;

 private:
  std::deque<Seat> seats_;
  std::vector<std::uint64_t> steps_;  // of each, at the last look
  std::atomic<bool> closed_{false};
  std::atomic<std::size_t> left_{0};
};

}  // namespace pipelab::ingress
