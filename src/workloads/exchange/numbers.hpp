#pragma once

#include <cstdint>

#include "workloads/exchange/options.hpp"

namespace pipelab::exchange {

// The number of a call says which of its caller's calls it is, of the measured phase or before, and
// leaves four bits for the calls that are made within it. They grow, and none is 0.

inline constexpr unsigned kWithinBits = 4;
static_assert(kMostDepth < 1U << kWithinBits);
inline constexpr std::uint64_t kMeasured = std::uint64_t{1} << 62U;

constexpr std::uint64_t number_of(std::uint64_t call, bool measured) noexcept {
  return measured ? kMeasured + (call << kWithinBits) : (call + 1) << kWithinBits;
}

constexpr bool is_measured(std::uint64_t number) noexcept { return number >= kMeasured; }

constexpr std::uint64_t call_of(std::uint64_t number) noexcept {
  return is_measured(number) ? (number - kMeasured) >> kWithinBits : (number >> kWithinBits) - 1;
}

}  // namespace pipelab::exchange
