#include "workloads/exchange/saboteur.hpp"

#include <csignal>
#include <utility>

namespace pipelab::exchange {

Saboteur::Saboteur(const Fault& fault, Victim victim, platform::Nanoseconds begin_ns,
                   const std::atomic<bool>& stop)
    : thread_([this, fault, victim = std::move(victim), begin_ns, &stop] {
        work(fault, victim, begin_ns, stop);
      }) {}

std::optional<platform::Nanoseconds> Saboteur::stop() {
  done_ = true;
  if (thread_.joinable()) {
    thread_.join();
  }
  return did_it_ns_;
}

void Saboteur::work(const Fault& fault, const Victim& victim, platform::Nanoseconds begin_ns,
                    const std::atomic<bool>& stop) {
  platform::sleep_until(begin_ns + static_cast<platform::Nanoseconds>(
                                       fault.at_s * double{platform::kNanosecondsPerSecond}),
                        done_);
  if (done_) {
    return;
  }
  did_it_ns_ = platform::now_ns();
  switch (fault.what) {
    case Fault::What::kKill:
      kill(victim.process, SIGKILL);
      break;
    case Fault::What::kStop:
      kill(victim.process, SIGSTOP);
      platform::sleep_for(pause_ns(victim.lease_ns), stop);
      kill(victim.process, SIGCONT);
      break;
    case Fault::What::kScribble:
      victim.scribble();
      break;
    case Fault::What::kSlow:
      victim.slow = true;
      break;
  }
}

platform::Nanoseconds pause_ns(platform::Nanoseconds lease_ns) {
  constexpr platform::Nanoseconds kLeases = 4;
  return kLeases * lease_ns;
}

}  // namespace pipelab::exchange
