#include "threads/parking_spot.hpp"

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

namespace pipelab::threads {
namespace {

// futex(2) works on the four bytes of the atomic itself.
static_assert(sizeof(std::atomic<std::uint32_t>) == sizeof(std::uint32_t));

/// False when the time was up. What else it says is not looked at: the value that differs, a signal
/// and a wake-up all mean "try again".
bool futex(std::atomic<std::uint32_t>& word, int operation, std::uint32_t value,
           const timespec* limit = nullptr) noexcept {
  return syscall(SYS_futex, &word, operation, value, limit, nullptr, 0) >= 0 || errno != ETIMEDOUT;
}

}  // namespace

bool ParkingSpot::sleep_while_parked(std::optional<platform::Nanoseconds> limit_ns) noexcept {
  const timespec limit = platform::to_timespec(limit_ns.value_or(0));
  return futex(parked_, reach_ == Reach::kAll ? FUTEX_WAIT : FUTEX_WAIT_PRIVATE, 1,
               limit_ns ? &limit : nullptr);
}

void ParkingSpot::wake_sleeper() noexcept {
  // The exchange makes one system call per sleep, however many wake() come before the sleeper runs.
  // It must come before the system call: a sleeper that has not yet reached the kernel would
  // otherwise still find its 1 there, and sleep through the wake-up.
  // Relaxed: the sleeper reads nothing that this store publishes.
  if (parked_.exchange(0, std::memory_order_relaxed) != 0) {
    wake_ups_.fetch_add(1, std::memory_order_relaxed);  // it is only counted
    futex(parked_, reach_ == Reach::kAll ? FUTEX_WAKE : FUTEX_WAKE_PRIVATE, 1);
  }
}

}  // namespace pipelab::threads
