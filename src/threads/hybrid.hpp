#pragma once

#include <algorithm>

#include "platform/cpu.hpp"

namespace pipelab::threads {

/// How long to stay awake before one parks: spin, then let others run for a few turns, and learn
/// from each wait.
class Hybrid {
 public:
  enum class Turn { kSpin, kYield, kPark };

  /// What to do on the next turn of a wait.
  Turn next() noexcept {
    ++turns_;
    return turns_ <= spin_turns_                 ? Turn::kSpin
           : turns_ <= spin_turns_ + kYieldTurns ? Turn::kYield
                                                 : Turn::kPark;
  }

  /// Says that the wait is over. Moves the bound by an eighth towards twice the turns that it took
  /// if spinning was enough, as glibc's adaptive mutexes do, and towards the least if it was not.
  void reset() noexcept {
    if (turns_ > 0) {
      const int enough = turns_ <= spin_turns_ + kYieldTurns ? 2 * turns_ : kLeastSpinTurns;
      constexpr int kShare = 8;
      const int step = (enough - spin_turns_) / kShare;
      spin_turns_ = std::clamp(spin_turns_ + step, kLeastSpinTurns, kMostSpinTurns);
      turns_ = 0;
    }
  }

 private:
  // At least some spinning, so that it can notice that spinning pays again; at most about what
  // falling asleep and being woken costs (50 us at 50 ns a turn).
  static constexpr int kLeastSpinTurns = 16;
  static constexpr int kMostSpinTurns = 1000;
  static constexpr int kYieldTurns = 4;

  int turns_{0};
  int spin_turns_{kMostSpinTurns / 10};
};

/// Spends a turn of a wait. Every one that stays awake executes the spin hint or calls the kernel:
/// under QEMU that is what lets the other virtual CPU run.
template <class Park>
void spend(Hybrid::Turn turn, Park park) {
  switch (turn) {
    case Hybrid::Turn::kSpin:
      platform::spin_hint();
      return;
    case Hybrid::Turn::kYield:
      platform::let_others_run();
      return;
    case Hybrid::Turn::kPark:
      park();
      return;
  }
}

}  // namespace pipelab::threads
