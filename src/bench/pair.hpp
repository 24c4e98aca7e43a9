#pragma once

#include <atomic>
#include <latch>
#include <thread>
#include <utility>

#include "platform/cpu.hpp"

namespace pipelab::bench {

/// The CPUs of the two threads: the first runs main(), the producer and who asks; the second the
/// consumer and who answers.
struct CpuPair {
  int first;
  int second;
};

/// Runs `here` in this thread, which is pinned already, and `there` in one that is pinned to
/// `cpus.second`; returns when both have.
template <class Here, class There>
void run_pair(const CpuPair& cpus, Here&& here, There&& there) {
  std::latch in_place(1);
  const std::jthread other([&] {
    platform::pin_this_thread(cpus.second);
    in_place.count_down();
    std::forward<There>(there)();
  });
  in_place.wait();  // asleep: the new thread begins on this CPU, and could not leave it otherwise
  std::forward<Here>(here)();
}

/// Where two threads wait for each other, again and again. What one did before is seen by the other
/// after.
class Gate {
 public:
  void meet() noexcept {
    const unsigned turn = turn_.load();
    if (waiting_.exchange(true)) {
      waiting_.store(false);
      turn_.store(turn + 1);
    } else {
      while (turn_.load() == turn) {
        platform::spin_hint();
      }
    }
  }

 private:
  std::atomic<unsigned> turn_{0};
  std::atomic<bool> waiting_{false};
};

/// A fruitless look: waits for as long as a pause takes if `hint`, else looks again at once.
inline void pause_if(bool hint) noexcept {
  if (hint) {
    platform::spin_hint();
  }
}

/// Shows what a queue holds back; most hold back nothing.
template <class Side>
void flush(Side& side) {
  if constexpr (requires { side.flush(); }) {
    side.flush();
  }
}

}  // namespace pipelab::bench
