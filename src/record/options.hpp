#pragma once

#include <array>
#include <cstddef>
#include <string>

#include "cli/options.hpp"
#include "record/intervals.hpp"

namespace pipelab::record {

/// The files that leave the program.
enum class File : std::size_t { kSamples, kHistogram, kStats, kThreads, kSeries };
inline constexpr std::array kFiles{File::kSamples, File::kHistogram, File::kStats, File::kThreads,
                                   File::kSeries};

/// What is kept of a run, and where it is written.
struct Options {
  std::array<std::string, kFiles.size()> paths;  ///< of each File; empty: not given
  std::string out;                   ///< the folder that gets all of them; empty: not given
  std::size_t sample_every{1};       ///< of so many items one is kept
  std::size_t max_samples{100'000};  ///< until there are so many
  std::int64_t series_ms{100};       ///< what an interval of the series lasts; 0: there is none

  /// Where `file` is written; empty: nowhere.
  std::string path(File file) const;

  /// How many items are kept, at most.
  std::size_t samples() const { return path(File::kSamples).empty() ? 0 : max_samples; }

  /// The intervals of a run of that duration.
  Intervals intervals(double duration_s) const {
    return Intervals::of(duration_s, path(File::kSeries).empty() ? 0 : series_ms);
  }
};

void add_options(cli::Options& all, Options& options);

/// What is wrong with the files that are to be written; empty if nothing is. Two may be one device
/// or one pipe, which gets one after the other.
std::string conflict(const Options& options);

}  // namespace pipelab::record
