#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <thread>

#include "platform/clock.hpp"

namespace pipelab::threads {

/// Watches over a run: calls `stalled()`, once, from a thread of its own, when `progress()` gave
/// the same number in ten looks, a tenth of the limit apart. Nothing from `progress()` means that
/// there is nothing to be done. Since looks count, and not the time, a process that was stopped as
/// a whole is not found to stall.
class Watchdog {
 public:
  Watchdog(platform::Nanoseconds limit_ns, std::function<std::optional<std::uint64_t>()> progress,
           std::function<void()> stalled);
  Watchdog(const Watchdog&) = delete;
  Watchdog& operator=(const Watchdog&) = delete;
  Watchdog(Watchdog&&) = delete;
  Watchdog& operator=(Watchdog&&) = delete;
  ~Watchdog();

 private:
  int quit_;
  std::thread thread_;
};

}  // namespace pipelab::threads
