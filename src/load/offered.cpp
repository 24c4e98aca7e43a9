#include "load/offered.hpp"

#include <algorithm>
#include <cmath>

#include "load/arrivals.hpp"
#include "load/rated_arrivals.hpp"

namespace pipelab::load {
namespace {

using platform::Nanoseconds;

template <class Schedule>
std::vector<std::uint64_t> gone_through(Schedule schedule, Nanoseconds end_ns,
                                        std::span<const Nanoseconds> times_ns) {
  constexpr std::uint64_t kMost = 2'000'000;
  std::vector<std::uint64_t> offered;
  std::uint64_t items = 0;
  Nanoseconds next_ns = schedule.restart();
  for (const Nanoseconds time_ns : times_ns) {
    for (; next_ns < std::min(time_ns, end_ns) && items < kMost; ++items) {
      next_ns += schedule.next_gap_ns();
    }
    if (items == kMost) {
      break;
    }
    offered.push_back(items);
  }
  return offered;
}

}  // namespace

std::vector<std::uint64_t> offered(const Options& options, std::span<const Nanoseconds> times_ns) {
  if (!options.has_schedule()) {
    return {};
  }
  const Nanoseconds end_ns =
      std::llround(options.duration_s * static_cast<double>(platform::kNanosecondsPerSecond));
  if (options.pattern) {
    return gone_through(RatedArrivals(options, {}), end_ns, times_ns);
  }
  if (options.arrival.pattern != Arrival::Pattern::kConstant) {
    return gone_through(Arrivals(options, {}), end_ns, times_ns);
  }
  std::vector<std::uint64_t> offered;
  for (const Nanoseconds time_ns : times_ns) {
    Arrivals arrivals(options, {});
    const Nanoseconds gap_ns = arrivals.next_gap_ns();
    offered.push_back(arrivals.count(gap_ns, std::min(time_ns, end_ns)));
  }
  return offered;
}

}  // namespace pipelab::load
