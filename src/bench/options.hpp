#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "bench/pair.hpp"

namespace pipelab::bench {

/// One run of the bench, as the command line describes it.
struct Options {
  std::optional<CpuPair> cpus;     ///< none: the first two that are allowed
  std::optional<double> seconds;   ///< none: as long as the matrix deserves
  bool quick{false};               ///< only what the claims need
  std::vector<std::string> works;  ///< only these kinds of work; empty: all
  std::uint64_t seed{1};           ///< of the order of each round
  std::string samples_path{"bench_samples.csv"};
  std::string environment_path;  ///< where to write what it ran on; empty: nowhere

  double length_s() const noexcept { return seconds.value_or(quick ? 28 : 285); }
};

/// What parse() decided.
struct Parsed {
  std::optional<Options> options;  ///< what to run; none when the program should end now
  int exit_code{0};                ///< with which code, when it should end
};

/// Reads a command line. Prints help on stdout, or what is wrong with it in one line on stderr
/// (exit code 2).
Parsed parse(int argc, const char* const* argv);

}  // namespace pipelab::bench
