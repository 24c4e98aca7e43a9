#include "bench/progress.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

namespace pipelab::bench {
namespace {

constexpr platform::Nanoseconds kOnTerminalEveryNs = platform::kNanosecondsPerSecond / 5;
constexpr platform::Nanoseconds kInLogEveryNs = 15 * platform::kNanosecondsPerSecond;

}  // namespace

Progress::Progress(platform::Nanoseconds end_ns, std::size_t cells)
    : end_ns_(end_ns), cells_(cells), terminal_(isatty(STDERR_FILENO) == 1) {}

void Progress::show(int round, std::size_t cell) {
  const platform::Nanoseconds now_ns = platform::now_ns();
  if (now_ns < next_ns_) {
    return;
  }
  next_ns_ = now_ns + (terminal_ ? kOnTerminalEveryNs : kInLogEveryNs);
  const platform::Nanoseconds left_s =
      std::max<platform::Nanoseconds>(0, end_ns_ - now_ns) / platform::kNanosecondsPerSecond;
  fmt::print(stderr, "{}[round {}, {:4}/{}] {} min {:02} s left{}", terminal_ ? "\r" : "", round,
             cell, cells_, left_s / 60, left_s % 60, terminal_ ? "  " : "\n");
  static_cast<void>(std::fflush(stderr));
}

void Progress::finish() const {
  if (terminal_) {
    fmt::print(stderr, "\n");
  }
}

}  // namespace pipelab::bench
