#pragma once

#include <cstdint>
#include <string>

#include "platform/clock.hpp"

namespace pipelab::platform {

/// A scheduling class of Linux (sched(7)) and its numbers.
struct Scheduling {
  enum class Class { kOther, kFifo, kRoundRobin, kDeadline };

  Class klass{Class::kOther};
  std::uint32_t priority{0};  ///< of kFifo and kRoundRobin, 1 to 99
  Nanoseconds runtime_ns{0};  ///< of kDeadline, as are the next two
  Nanoseconds deadline_ns{0};
  Nanoseconds period_ns{0};
};

/// `scheduling` as people write it: "other", "fifo:50", "rr:50", "deadline:R,D,P" (microseconds).
std::string to_string(const Scheduling& scheduling);

/// Puts the calling thread into a scheduling class. Throws std::system_error where the kernel
/// refuses.
void schedule_this_thread(const Scheduling& scheduling);

/// Gives the calling thread the name that the kernel and its tools show for it, of at most 15
/// characters.
void name_this_thread(const std::string& name);

/// Sets how late the kernel may wake the calling thread from sleep in order to save wake-ups (as
/// prctl(2), PR_SET_TIMERSLACK).
void set_timer_slack(Nanoseconds slack_ns);

}  // namespace pipelab::platform
