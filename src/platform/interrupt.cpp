#include "platform/interrupt.hpp"

#include <unistd.h>

#include <csignal>

namespace pipelab::platform {
namespace {

std::atomic<bool> stop_requested{false};
static_assert(std::atomic<bool>::is_always_lock_free, "a signal handler sets it");

std::atomic<bool> gives_up{false};
constexpr unsigned kPatienceS = 1;

// Relaxed: neither flag carries anything with it.
void request_stop(int /*signal*/) {
  stop_requested.store(true, std::memory_order_relaxed);
  if (gives_up.load(std::memory_order_relaxed)) {
    alarm(kPatienceS);
  }
}

void give_up(int /*signal*/) { _exit(kInterrupted); }

}  // namespace

std::atomic<bool>& stop_on_interrupt() {
  std::signal(SIGINT, request_stop);
  std::signal(SIGTERM, request_stop);
  return stop_requested;
}

void exit_soon_on_interrupt() {
  std::signal(SIGALRM, give_up);
  gives_up = true;
}

}  // namespace pipelab::platform
