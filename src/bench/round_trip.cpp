#include "bench/round_trip.hpp"

#include <algorithm>
#include <cmath>

namespace pipelab::bench {

std::optional<double> percentile(std::vector<platform::Nanoseconds>& values, double share) {
  const auto count = static_cast<double>(values.size());
  if (count * (1 - share) < 1 - 1e-9) {
    return std::nullopt;
  }
  const auto rank = static_cast<std::ptrdiff_t>(std::ceil(count * share)) - 1;
  std::nth_element(values.begin(), values.begin() + rank, values.end());
  return static_cast<double>(values[static_cast<std::size_t>(rank)]);
}

std::uint64_t repetitions(platform::Nanoseconds target_ns, std::uint64_t count, double duration_ns,
                          std::uint64_t least) {
  constexpr std::uint64_t kMost = 1'000'000;
  const double wanted =
      static_cast<double>(target_ns) * static_cast<double>(count) / std::max(duration_ns, 1.0);
  return std::clamp(static_cast<std::uint64_t>(wanted), least, kMost);
}

}  // namespace pipelab::bench
