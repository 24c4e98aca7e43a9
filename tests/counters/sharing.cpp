// Lines that two CPUs take from each other: one that is passed to and fro, and a pair of counters,
// one for each CPU, on one line and on two.

#include <atomic>

#include "known.hpp"

namespace {

using pipelab::platform::spin_hint;

constexpr std::uint64_t kTurns = 1000;  // of each CPU

struct alignas(128) Ball {
  std::atomic<std::uint64_t> turn{0};
};
Ball ping_pong_ball;

struct alignas(128) UnpaddedPair {
  std::atomic<std::uint64_t> left{0};
  std::atomic<std::uint64_t> right{0};
};
UnpaddedPair unpadded_pair;

struct alignas(128) PaddedPair {
  std::atomic<std::uint64_t> left{0};
  alignas(128) std::atomic<std::uint64_t> right{0};
};
PaddedPair padded_pair;

/// Takes every other turn, beginning with `mine`.
void pass_the_ball(std::uint64_t mine) {
  for (; mine < 2 * kTurns; mine += 2) {
    while (ping_pong_ball.turn.load() != mine) {
      spin_hint();
    }
    ping_pong_ball.turn.store(mine + 1);
  }
}

/// Counts to kTurns. The hint lets the other CPU run in exact timing.
void count(std::atomic<std::uint64_t>& counter) {
  for (std::uint64_t turn = 0; turn < kTurns; ++turn) {
    counter.store(counter.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
    spin_hint();
  }
}

}  // namespace

void share() {
  run_side_by_side<kPingPong>([] { pass_the_ball(0); }, [] { pass_the_ball(1); });
  run_side_by_side<kUnpaddedPair>([] { count(unpadded_pair.left); },
                                  [] { count(unpadded_pair.right); });
  run_side_by_side<kPaddedPair>([] { count(padded_pair.left); }, [] { count(padded_pair.right); });
}
