#pragma once

#include <cstdint>
#include <vector>

namespace pipelab::record {

/// Jain's fairness index of what each of N got: 1 where all got as much, 1/N where one got all
/// (R. Jain, D. Chiu, W. Hawe: A quantitative measure of fairness, DEC-TR-301, 1984).
inline double fairness(const std::vector<std::uint64_t>& shares) {
  double sum = 0;
  double squares = 0;
  for (const std::uint64_t share : shares) {
    const auto value = static_cast<double>(share);
    sum += value;
    squares += value * value;
  }
  return squares > 0 ? sum * sum / (static_cast<double>(shares.size()) * squares) : 1;
}

}  // namespace pipelab::record
