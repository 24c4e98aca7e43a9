#pragma once

namespace pipelab::platform {

// Marks a region of the program for the simulated counters (qemu/counters/). A mark is one
// instruction that changes nothing on any CPU, a no-op that no compiler emits, so it costs the same
// whether anybody counts or not. Up to 16 regions can be told apart, 0 to 15; the measured part
// of a run is region 0. A region holds for all CPUs from when one executes its begin until one
// executes its end; to begin the next region ends the one before.

/// Number of regions that can be told apart.
inline constexpr unsigned kRegions = 16;

/// The region of a run's measured part.
inline constexpr unsigned kMeasuredRegion = 0;

/// The region of the whole of a user's program, which may have a measured part in it.
inline constexpr unsigned kProgramRegion = 1;

namespace detail {

/// Executes the mark for `kCode`, which is 2 * region for a begin and 2 * region + 1 for an end.
template <unsigned kCode>
inline void execute_mark() noexcept {
  static_assert(kCode < 2 * kRegions);
#if defined(__aarch64__)
  // Hints 0x60 to 0x7f have no meaning: "reserved hint encodings execute as NOP" (Arm ARM, HINT).
  asm volatile("hint %0" ::"i"(0x60 + kCode) : "memory");
#elif defined(__thumb__)
  asm volatile(".inst.w 0xf3af8000 + %c0" ::"i"(0x60 + kCode) : "memory");  // the same hints
#elif defined(__arm__)
  asm volatile(".inst 0xe320f000 + %c0" ::"i"(0x60 + kCode) : "memory");
#elif defined(__x86_64__) || defined(__i386__)
  // The long no-op; compilers emit it for padding, but not with this displacement ("PL").
  asm volatile(".byte 0x0f, 0x1f, 0x80, %c0, 0, 0x4c, 0x50" ::"i"(kCode) : "memory");
#endif
}

}  // namespace detail

template <unsigned kRegion>
inline void begin_region() noexcept {
  detail::execute_mark<2 * kRegion>();
}

template <unsigned kRegion>
inline void end_region() noexcept {
  detail::execute_mark<2 * kRegion + 1>();
}

}  // namespace pipelab::platform
