#include "threads/bells.hpp"

#include <linux/futex.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

namespace pipelab::threads {

void FutexBell::ring() noexcept {
  rung_.fetch_add(1, std::memory_order_relaxed);
  rings_.fetch_add(1);
  syscall(SYS_futex, &rings_, FUTEX_WAKE, 1, nullptr, nullptr, 0);
}

bool FutexBell::wait(std::uint32_t heard, platform::Nanoseconds limit_ns) noexcept {
  const timespec limit = platform::to_timespec(limit_ns);
  return syscall(SYS_futex, &rings_, FUTEX_WAIT, heard, &limit, nullptr, 0) >= 0 ||
         errno != ETIMEDOUT || rings_.load() != heard;
}

EventfdBell::EventfdBell(std::pmr::memory_resource& /*shared*/) : file_(eventfd(0, EFD_CLOEXEC)) {
  if (file_ < 0) {
    throw std::system_error(errno, std::generic_category(), "make an eventfd");
  }
}

EventfdBell::~EventfdBell() { close(file_); }

void EventfdBell::ring() noexcept {
  rung_.fetch_add(1, std::memory_order_relaxed);
  static_cast<void>(eventfd_write(file_, 1));
}

void EventfdBell::wait() const noexcept {
  eventfd_t rings = 0;
  static_cast<void>(eventfd_read(file_, &rings));  // a signal ends it as a ring does
}

}  // namespace pipelab::threads
