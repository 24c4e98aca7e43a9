#pragma once

#include <optional>
#include <span>
#include <vector>

#include "record/csv.hpp"
#include "record/options.hpp"
#include "record/output_file.hpp"
#include "record/recorder.hpp"

namespace pipelab::record {

/// The files that the options ask for, begun before anything is measured. Those that they do not
/// ask for are not written.
class Files {
 public:
  explicit Files(const Options& options);

  /// Whether a pipe gets some of them, and may have no reader that takes it.
  bool any_pipe() const;

  /// Writes samples and histograms.
  template <ItemTimes Times>
  void write(const Recorder<Times>& recorder, platform::Nanoseconds begin_ns) {
    if (samples_) {
      write_samples(*std::move(samples_), recorder, begin_ns);
    }
    if (histogram_) {
      std::vector<NamedHistogram> histograms;
      for (std::size_t metric = 0; metric < Times::kMetrics.size(); ++metric) {
        histograms.push_back({Times::kMetrics[metric], recorder.histograms()[metric]});
      }
      write_histograms(*std::move(histogram_), histograms);
    }
  }

  void write(std::span<const Stat> stats);

 private:
  std::optional<OutputFile> samples_;
  std::optional<OutputFile> histogram_;
  std::optional<OutputFile> stats_;
};

}  // namespace pipelab::record
