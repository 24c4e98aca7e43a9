#include "platform/clock.hpp"

#include <algorithm>
#include <array>
#include <cerrno>

namespace pipelab::platform {
namespace {

// How long a request to stop may go unseen.
constexpr Nanoseconds kLongestSleepNs = 100'000'000;

}  // namespace

void sleep_until(Nanoseconds deadline_ns, const std::atomic<bool>& stop) noexcept {
  // Relaxed, here and below: the flag carries nothing with it.
  while (!stop.load(std::memory_order_relaxed)) {
    const Nanoseconds now = now_ns();
    const Nanoseconds until_ns = std::min(deadline_ns, now + kLongestSleepNs);
    const timespec until = to_timespec(until_ns);
    if (now >= deadline_ns ||
        (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, nullptr) == 0 &&
         until_ns == deadline_ns)) {
      return;
    }
  }
}

void sleep_for(Nanoseconds duration_ns, const std::atomic<bool>& stop) noexcept {
  while (duration_ns > 0 && !stop.load(std::memory_order_relaxed)) {
    const Nanoseconds part_ns = std::min(duration_ns, kLongestSleepNs);
    timespec left = to_timespec(part_ns);
    duration_ns -= part_ns;
    if (clock_nanosleep(CLOCK_MONOTONIC, 0, &left, &left) == EINTR) {
      duration_ns += left.tv_sec * kNanosecondsPerSecond + left.tv_nsec;
    }
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
