#pragma once

#include <cstdint>
#include <ctime>

namespace pipelab::platform {

/// A point on, or a distance along, CLOCK_MONOTONIC, in nanoseconds.
using Nanoseconds = std::int64_t;

inline constexpr Nanoseconds kNanosecondsPerSecond = 1'000'000'000;
inline constexpr Nanoseconds kNanosecondsPerMicrosecond = 1'000;

/// The time now on CLOCK_MONOTONIC. Through the vDSO: no system call where the clock source allows.
inline Nanoseconds now_ns() noexcept {
  timespec time{};
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * kNanosecondsPerSecond + time.tv_nsec;
}

/// Sleeps until `deadline_ns` on CLOCK_MONOTONIC; returns at once if that has passed. A signal does
/// not end the sleep early.
void sleep_until(Nanoseconds deadline_ns) noexcept;

/// Sleeps for at least `duration_ns`. A signal does not end the sleep early.
void sleep_for(Nanoseconds duration_ns) noexcept;

/// What one call of now_ns() costs here and now, in nanoseconds: the median over blocks of reads.
double clock_read_cost_ns();

}  // namespace pipelab::platform
