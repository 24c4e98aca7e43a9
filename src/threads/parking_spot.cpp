#include "threads/parking_spot.hpp"

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace pipelab::threads {
namespace {

// futex(2) works on the four bytes of the atomic itself.
static_assert(sizeof(std::atomic<std::uint32_t>) == sizeof(std::uint32_t));

void futex(std::atomic<std::uint32_t>& word, int operation, std::uint32_t value) noexcept {
  // The result is not looked at: the value that differs, a signal and a wake-up all mean "try
  // again".
  syscall(SYS_futex, &word, operation, value, nullptr, nullptr, 0);
}

}  // namespace

void ParkingSpot::sleep_while_parked() noexcept { futex(parked_, FUTEX_WAIT_PRIVATE, 1); }

void ParkingSpot::wake_sleeper() noexcept {
  // The exchange makes one system call per sleep, however many wake() come before the sleeper runs.
  // It must come before the system call: a sleeper that has not yet reached the kernel would
  // otherwise still find its 1 there, and sleep through the wake-up.
  // Relaxed: the sleeper reads nothing that this store publishes.
  if (parked_.exchange(0, std::memory_order_relaxed) != 0) {
    ++wake_ups_;
    futex(parked_, FUTEX_WAKE_PRIVATE, 1);
  }
}

}  // namespace pipelab::threads
