#include "platform/scheduling.hpp"

#include <fmt/format.h>
#include <pthread.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

namespace pipelab::platform {
namespace {

/// The argument of sched_setattr(2), for which glibc 2.36 has neither a type nor a function.
struct SchedAttributes {
  std::uint32_t size{sizeof(SchedAttributes)};
  std::uint32_t policy{0};
  std::uint64_t flags{0};
  std::int32_t nice{0};
  std::uint32_t priority{0};
  std::uint64_t runtime_ns{0};
  std::uint64_t deadline_ns{0};
  std::uint64_t period_ns{0};
};
static_assert(sizeof(SchedAttributes) == 48);

std::uint32_t policy_of(Scheduling::Class klass) {
  constexpr std::uint32_t kSchedDeadline = 6;  // as the kernel has it; glibc does not
  switch (klass) {
    case Scheduling::Class::kOther:
      return SCHED_OTHER;
    case Scheduling::Class::kFifo:
      return SCHED_FIFO;
    case Scheduling::Class::kRoundRobin:
      return SCHED_RR;
    case Scheduling::Class::kDeadline:
      return kSchedDeadline;
  }
  return SCHED_OTHER;
}

}  // namespace

std::string to_string(const Scheduling& scheduling) {
  switch (scheduling.klass) {
    case Scheduling::Class::kOther:
      return "other";
    case Scheduling::Class::kFifo:
      return fmt::format("fifo:{}", scheduling.priority);
    case Scheduling::Class::kRoundRobin:
      return fmt::format("rr:{}", scheduling.priority);
    case Scheduling::Class::kDeadline:
      return fmt::format("deadline:{},{},{}", scheduling.runtime_ns / kNanosecondsPerMicrosecond,
                         scheduling.deadline_ns / kNanosecondsPerMicrosecond,
                         scheduling.period_ns / kNanosecondsPerMicrosecond);
  }
  return {};
}

void schedule_this_thread(const Scheduling& scheduling) {
  SchedAttributes attributes;
  attributes.policy = policy_of(scheduling.klass);
  attributes.priority = scheduling.priority;
  attributes.runtime_ns = static_cast<std::uint64_t>(scheduling.runtime_ns);
  attributes.deadline_ns = static_cast<std::uint64_t>(scheduling.deadline_ns);
  attributes.period_ns = static_cast<std::uint64_t>(scheduling.period_ns);
  if (syscall(SYS_sched_setattr, 0, &attributes, 0) != 0) {
    throw std::system_error(errno, std::generic_category(),
                            fmt::format("scheduling class {}", to_string(scheduling)));
  }
}

void name_this_thread(const std::string& name) {
  const int error = pthread_setname_np(pthread_self(), name.c_str());
  if (error != 0) {
    throw std::system_error(error, std::generic_category(), "name a thread " + name);
  }
}

void set_timer_slack(Nanoseconds slack_ns) {
  if (prctl(PR_SET_TIMERSLACK, slack_ns) != 0) {
    throw std::system_error(errno, std::generic_category(), "set the timer slack");
  }
}

}  // namespace pipelab::platform
