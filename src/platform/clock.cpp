#include "platform/clock.hpp"

#include <algorithm>
#include <array>
#include <cerrno>

namespace pipelab::platform {
namespace {

timespec to_timespec(Nanoseconds time_ns) noexcept {
  return {.tv_sec = time_ns / kNanosecondsPerSecond, .tv_nsec = time_ns % kNanosecondsPerSecond};
}

}  // namespace

void sleep_until(Nanoseconds deadline_ns) noexcept {
  const timespec deadline = to_timespec(deadline_ns);
  while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &deadline, nullptr) == EINTR) {
  }
}

void sleep_for(Nanoseconds duration_ns) noexcept {
  timespec left = to_timespec(duration_ns);
  while (clock_nanosleep(CLOCK_MONOTONIC, 0, &left, &left) == EINTR) {
  }
}

double clock_read_cost_ns() {
  constexpr int kReadsPerBlock = 100;
  std::array<Nanoseconds, 31> blocks{};
  for (Nanoseconds& block : blocks) {
    const Nanoseconds begin = now_ns();
    Nanoseconds end = begin;
    for (int read = 0; read < kReadsPerBlock; ++read) {
      end = now_ns();
    }
    block = end - begin;
  }
  auto* const median = blocks.begin() + blocks.size() / 2;
  std::nth_element(blocks.begin(), median, blocks.end());
  return static_cast<double>(*median) / kReadsPerBlock;
}

}  // namespace pipelab::platform
