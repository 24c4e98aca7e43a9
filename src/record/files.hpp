#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "record/csv.hpp"
#include "record/options.hpp"
#include "record/output_file.hpp"
#include "record/recorder.hpp"
#include "record/series.hpp"

namespace pipelab::record {

/// The files that the options ask for, begun before anything is measured. Each is written once;
/// those that the options do not ask for are not.
class Files {
 public:
  explicit Files(const Options& options);

  /// Whether a pipe gets some of them, and may have no reader that takes it.
  bool any_pipe() const;

  /// Writes samples and histograms, and `others` that are not of items.
  template <ItemTimes Times>
  void write(const Recorder<Times>& recorder, platform::Nanoseconds begin_ns,
             std::span<const NamedHistogram> others = {}) {
    if (auto& samples = of(File::kSamples)) {
      write_samples(*std::move(samples), recorder, begin_ns);
    }
    if (auto& histogram = of(File::kHistogram)) {
      std::vector<NamedHistogram> histograms(others.begin(), others.end());
      for (std::size_t metric = 0; metric < Times::kMetrics.size(); ++metric) {
        histograms.push_back({Times::kMetrics[metric], recorder.histograms()[metric]});
      }
      write_histograms(*std::move(histogram), histograms);
    }
  }

  void write(std::span<const Stat> stats);

  /// Writes the course; `offered` as write_series() takes it.
  void write(const Series& series, std::span<const std::uint64_t> offered);

  /// Writes a line a thread under `header`.
  void write_threads(std::string_view header, std::span<const std::string> lines);

 private:
  std::optional<OutputFile>& of(File file) { return files_.at(static_cast<std::size_t>(file)); }

  std::array<std::optional<OutputFile>, kFiles.size()> files_;
};

}  // namespace pipelab::record
