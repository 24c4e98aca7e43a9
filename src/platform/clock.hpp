#pragma once

#include <atomic>
#include <cstdint>
#include <ctime>

namespace pipelab::platform {

/// A point on, or a distance along, CLOCK_MONOTONIC, in nanoseconds.
using Nanoseconds = std::int64_t;

inline constexpr Nanoseconds kNanosecondsPerSecond = 1'000'000'000;
inline constexpr Nanoseconds kNanosecondsPerMicrosecond = 1'000;

/// A distance in seconds, as exact as a double has it.
constexpr double to_seconds(Nanoseconds time_ns) noexcept {
  return static_cast<double>(time_ns) / static_cast<double>(kNanosecondsPerSecond);
}

/// A time as system calls take it. On a 32-bit target both fields have 32 bits: enough for
/// CLOCK_MONOTONIC, which counts from the boot.
constexpr timespec to_timespec(Nanoseconds time_ns) noexcept {
  return {.tv_sec = static_cast<decltype(timespec::tv_sec)>(time_ns / kNanosecondsPerSecond),
          .tv_nsec = static_cast<decltype(timespec::tv_nsec)>(time_ns % kNanosecondsPerSecond)};
}

/// The time now on CLOCK_MONOTONIC. Through the vDSO: no system call where the clock source allows.
inline Nanoseconds now_ns() noexcept {
  timespec time{};
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * kNanosecondsPerSecond + time.tv_nsec;
}

/// Sleeps until `deadline_ns` on CLOCK_MONOTONIC; returns at once if that has passed, and within
/// 0.1 s of `stop` being set. A signal alone does not end the sleep.
void sleep_until(Nanoseconds deadline_ns, const std::atomic<bool>& stop) noexcept;

/// Sleeps for at least `duration_ns`, unless `stop` is set, as above. Unlike a sleep until a time,
/// this one is relative: what happens between the call and the timer's start makes it longer.
void sleep_for(Nanoseconds duration_ns, const std::atomic<bool>& stop) noexcept;

/// The clock above as a type, for code that tests run on a clock of their own.
struct MonotonicClock {
  static Nanoseconds now_ns() noexcept { return platform::now_ns(); }
  static void sleep_until(Nanoseconds deadline_ns, const std::atomic<bool>& stop) noexcept {
    platform::sleep_until(deadline_ns, stop);
  }
  static void sleep_for(Nanoseconds duration_ns, const std::atomic<bool>& stop) noexcept {
    platform::sleep_for(duration_ns, stop);
  }
};

/// What one call of now_ns() costs here and now, in nanoseconds: the median over blocks of reads.
double clock_read_cost_ns();

}  // namespace pipelab::platform
