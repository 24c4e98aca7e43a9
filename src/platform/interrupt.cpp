#include "platform/interrupt.hpp"

#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>

namespace pipelab::platform {
namespace {

std::atomic<bool> stop_requested{false};
static_assert(std::atomic<bool>::is_always_lock_free, "a signal handler sets it");

std::atomic<bool> gives_up{false};
constexpr unsigned kPatienceS = 1;
int told = -1;  // the file

// Relaxed: neither flag carries anything with it.
void request_stop(int /*signal*/) {
  stop_requested.store(true, std::memory_order_relaxed);
  const int error = errno;
  static_cast<void>(eventfd_write(told, 1));
  errno = error;
  if (gives_up.load(std::memory_order_relaxed)) {
    alarm(kPatienceS);
  }
}

void give_up(int /*signal*/) { _exit(kInterrupted); }

}  // namespace

std::atomic<bool>& stop_on_interrupt() {
  if (told < 0) {
    told = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  }
  std::signal(SIGINT, request_stop);
  std::signal(SIGTERM, request_stop);
  return stop_requested;
}

int interrupt_file() noexcept { return told; }

void exit_soon_on_interrupt() {
  std::signal(SIGALRM, give_up);
  gives_up = true;
}

}  // namespace pipelab::platform
