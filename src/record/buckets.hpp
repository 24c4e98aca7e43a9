#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>

namespace pipelab::record {

/// The buckets of non-negative integers: one each below 2^kLinearBits, and above that buckets no
/// wider than 1/2^(kLinearBits-1) of their values. The layout is HdrHistogram's
/// (http://hdrhistogram.org).
template <unsigned kLinearBits>
struct LogLinear {
  static constexpr std::uint64_t kHalf = std::uint64_t{1} << (kLinearBits - 1U);

  static constexpr std::size_t index_of(std::uint64_t value) noexcept {
    // Never 0, so that there is nothing to compare: this is in every item's way.
    const std::uint64_t wide_enough = value | (2 * kHalf - 1);
    const auto shift = static_cast<unsigned>(std::bit_width(wide_enough)) - kLinearBits;
    return static_cast<std::size_t>(shift * kHalf + (value >> shift));
  }

  static constexpr std::uint64_t lowest(std::size_t index) noexcept {
    return (index - shift_of(index) * kHalf) << shift_of(index);
  }

  static constexpr std::uint64_t highest(std::size_t index) noexcept {
    return lowest(index) + (std::uint64_t{1} << shift_of(index)) - 1;
  }

 private:
  static constexpr std::uint64_t shift_of(std::size_t index) noexcept {
    return index < 2 * kHalf ? 0 : index / kHalf - 1;
  }
};

}  // namespace pipelab::record
