#pragma once

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

/// Runs `first` on CPU 0 and `second` on CPU 1, both within region `kRegion`.
template <unsigned kRegion, class First, class Second>
void run_side_by_side(const First& first, const Second& second) {
  pipelab::platform::begin_region<kRegion>();
  std::thread on_cpu_0([&] {
    pipelab::platform::pin_this_thread(0);
    first();
  });
  std::thread on_cpu_1([&] {
    pipelab::platform::pin_this_thread(1);
    second();
  });
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
