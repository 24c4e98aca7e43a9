#pragma once

#include <sys/types.h>

#include <atomic>
#include <functional>
#include <optional>
#include <thread>

#include "platform/clock.hpp"
#include "workloads/exchange/options.hpp"

namespace pipelab::exchange {

/// Does to the responders' process what a fault wants, when it is time, from a thread of its own.
class Saboteur {
 public:
  /// Whom it harms, and how.
  struct Victim {
    pid_t process;
    platform::Nanoseconds lease_ns;  ///< of a call to it
    std::function<void()> scribble;  ///< overwrites what it shares with the callers
    std::atomic<bool>& slow;         ///< makes it slow, once
  };

  /// `begin_ns` is when the measured phase begins. Once `stop` is set, whoever was stopped goes on.
  Saboteur(const Fault& fault, Victim victim, platform::Nanoseconds begin_ns,
           const std::atomic<bool>& stop);
  Saboteur(const Saboteur&) = delete;
  Saboteur& operator=(const Saboteur&) = delete;
  Saboteur(Saboteur&&) = delete;
  Saboteur& operator=(Saboteur&&) = delete;
  ~Saboteur() { stop(); }

  /// Ends the thread; when it did its work, if it did.
  std::optional<platform::Nanoseconds> stop();

 private:
  void work(const Fault& fault, const Victim& victim, platform::Nanoseconds begin_ns,
            const std::atomic<bool>& stop);

  std::atomic<bool> done_{false};
  std::optional<platform::Nanoseconds> did_it_ns_;
  std::thread thread_;
};

/// For how long a responder is stopped, or slow, so that it answers too late.
platform::Nanoseconds pause_ns(platform::Nanoseconds lease_ns);

}  // namespace pipelab::exchange
