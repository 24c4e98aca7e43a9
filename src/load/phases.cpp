#include "load/phases.hpp"

#include <algorithm>
#include <cmath>

namespace pipelab::load {
namespace {

using platform::Nanoseconds;

Nanoseconds to_ns(double seconds) {
  return std::llround(seconds * static_cast<double>(platform::kNanosecondsPerSecond));
}

}  // namespace

Phases phases_from_now(const Options& options, std::size_t threads) {
  // Time for all threads to go to sleep, and later for reading the counters of each: an emulated
  // machine takes some ms for it.
  constexpr Nanoseconds kSettleNs = 5'000'000;
  constexpr Nanoseconds kReadNs = 20'000'000;
  const Nanoseconds begin_ns = platform::now_ns() + kSettleNs;
  const Nanoseconds warm_ns = begin_ns + to_ns(options.warmup_s);
  const Nanoseconds quiet_ns = kReadNs * static_cast<Nanoseconds>(threads);
  const Nanoseconds measure_ns = warm_ns + quiet_ns;
  const Nanoseconds end_ns = measure_ns + to_ns(options.duration_s);
  // No item of the warm-up is made after it; what is measured may take twice its time.
  return {.warm_up = {.begin_ns = begin_ns, .end_ns = warm_ns, .late_ns = warm_ns},
          .quiet_ns = warm_ns + kSettleNs,
          .measured = {
              .begin_ns = measure_ns, .end_ns = end_ns, .late_ns = end_ns + (end_ns - measure_ns)}};
}

}  // namespace pipelab::load
