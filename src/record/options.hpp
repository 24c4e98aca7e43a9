#pragma once

#include <cstddef>
#include <string>

#include "cli/options.hpp"

namespace pipelab::record {

/// What is kept of a run, and where it is written; an empty path: nowhere.
struct Options {
  std::string samples_path;          ///< the times of items, one by one
  std::size_t sample_every{1};       ///< of so many items one is kept
  std::size_t max_samples{100'000};  ///< until there are so many
  std::string histogram_path;        ///< the counts of all items
  std::string stats_path;            ///< the totals

  /// How many items are kept, at most.
  std::size_t samples() const noexcept { return samples_path.empty() ? 0 : max_samples; }
};

void add_options(cli::Options& all, Options& options);

/// What is wrong with the files that are to be written; empty if nothing is. Two may be one device
/// or one pipe, which gets one after the other.
std::string conflict(const Options& options);

}  // namespace pipelab::record
