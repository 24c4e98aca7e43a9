#include "load/phases.hpp"

#include <cmath>

namespace pipelab::load {
namespace {

using platform::Nanoseconds;

Nanoseconds to_ns(double seconds) {
  return std::llround(seconds * static_cast<double>(platform::kNanosecondsPerSecond));
}

}  // namespace

Phases phases_from_now(const Options& options) {
  // Time for all threads to go to sleep, and later for reading the counters.
  constexpr Nanoseconds kSettleNs = 5'000'000;
  constexpr Nanoseconds kQuietNs = 10'000'000;
  const Nanoseconds begin_ns = platform::now_ns() + kSettleNs;
  const Nanoseconds warm_ns = begin_ns + to_ns(options.warmup_s);
  const Nanoseconds measure_ns = warm_ns + kQuietNs;
  const Nanoseconds end_ns = measure_ns + to_ns(options.duration_s);
  // No item of the warm-up is made after it; what is measured may take twice its time.
  return {.warm_up = {.begin_ns = begin_ns, .end_ns = warm_ns, .late_ns = warm_ns},
          .quiet_ns = warm_ns + kQuietNs / 2,
          .measured = {
              .begin_ns = measure_ns, .end_ns = end_ns, .late_ns = end_ns + (end_ns - measure_ns)}};
}

}  // namespace pipelab::load
