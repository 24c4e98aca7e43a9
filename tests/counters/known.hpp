#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <thread>

#include "platform/cpu.hpp"
#include "platform/marker.hpp"

// What the programs with known counts share. Each marks a region of its own; check.py knows their
// numbers, too.

inline constexpr unsigned kStridedWalk = 1;
inline constexpr unsigned kMatrixProduct = 2;
inline constexpr unsigned kPingPong = 3;
inline constexpr unsigned kUnpaddedPair = 4;
inline constexpr unsigned kPaddedPair = 5;
inline constexpr unsigned kUnpaddedRing = 6;
inline constexpr unsigned kPaddedRing = 7;
inline constexpr unsigned kShortWalk = 8;
inline constexpr unsigned kLongWalk = 9;

inline constexpr std::size_t kLineBytes = 64;

/// Runs `first` on CPU 0 and `second` on CPU 1, both within region `kRegion`. Neither begins before
/// the other is on its CPU: the kernel may start a thread later than the other one needs to end.
template <unsigned kRegion, class First, class Second>
void run_side_by_side(const First& first, const Second& second) {
  alignas(128) std::atomic<int> ready{0};
  const auto on_cpu = [&ready](int cpu, const auto& run) {
    pipelab::platform::pin_this_thread(cpu);
    ++ready;
    while (ready < 2) {
      pipelab::platform::spin_hint();
    }
    run();
  };
  pipelab::platform::begin_region<kRegion>();
  std::thread on_cpu_0([&] { on_cpu(0, first); });
  std::thread on_cpu_1([&] { on_cpu(1, second); });
  on_cpu_0.join();
  on_cpu_1.join();
  pipelab::platform::end_region<kRegion>();
}

// The programs. The last two return false when they computed nonsense.
void walk();
void walk_often(bool longer);
void share();
bool multiply();
bool pass_through_rings();
