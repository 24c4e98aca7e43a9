#include "workloads/exchange/saboteur.hpp"

#include <csignal>
#include <utility>

namespace pipelab::exchange {

Saboteur::Saboteur(const Fault& fault, Victim victim, platform::Nanoseconds begin_ns)
    : thread_(
          [this, fault, victim = std::move(victim), begin_ns] { work(fault, victim, begin_ns); }) {}

std::optional<platform::Nanoseconds> Saboteur::stop() {
  done_ = true;
  if (thread_.joinable()) {
    thread_.join();
  }
  return did_it_ns_;
}

void Saboteur::work(const Fault& fault, const Victim& victim, platform::Nanoseconds begin_ns) {
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
    case Fault::What::kStop: {
      const std::atomic<bool> never{false};
      kill(victim.process, SIGSTOP);
      platform::sleep_for(pause_ns(victim.lease_ns), never);
      kill(victim.process, SIGCONT);
      break;
    }
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
