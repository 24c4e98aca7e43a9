#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <iterator>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "record/histogram.hpp"
#include "record/output_file.hpp"
#include "record/recorder.hpp"

namespace pipelab::record {

/// One line of a stats file: a key, and a value, empty where it is not known.
using Stat = std::pair<std::string, std::string>;

/// A histogram and the name of what it counts.
struct NamedHistogram {
  std::string_view metric;
  const Histogram& histogram;
};

/// Writes `stats` as `key,value` lines under that header.
/// All writers here close the file, and throw std::system_error, naming its path, when it cannot be
/// written whole.
void write_stats(OutputFile file, std::span<const Stat> stats);

/// Writes `lines` under `header`.
void write_lines(OutputFile file, std::string_view header, std::span<const std::string> lines);

/// Writes `metric,lowest_ns,highest_ns,count`, one line a filled bucket.
void write_histograms(OutputFile file, std::span<const NamedHistogram> histograms);

/// Writes `rows` lines of whole numbers under `columns`; `fill(row, fields)` gives those of one.
void write_numbers(
    OutputFile file, std::span<const std::string> columns, std::size_t rows,
    const std::function<void(std::size_t row, std::span<std::int64_t> fields)>& fill);

/// Writes one line an item: its number (0, one in how many was kept, twice that, ...), when it was
/// intended (ns after `begin_ns`), its stages and its metrics, all in ns.
template <ItemTimes Times>
void write_samples(OutputFile file, const Recorder<Times>& recorder,
                   platform::Nanoseconds begin_ns) {
  std::vector<std::string> columns{"item", "intended_ns"};
  for (const std::span<const std::string_view> names :
       {std::span<const std::string_view>(Times::kStages),
        std::span<const std::string_view>(Times::kMetrics)}) {
    std::ranges::transform(names, std::back_inserter(columns),
                           [](std::string_view name) { return std::string(name) + "_ns"; });
  }
  const std::span<const Times> samples = recorder.samples();
  write_numbers(std::move(file), columns, samples.size(),
                [&](std::size_t row, std::span<std::int64_t> fields) {
                  fields[0] = static_cast<std::int64_t>(row * recorder.sample_every());
                  fields[1] = samples[row].intended_ns - begin_ns;
                  const auto stages =
                      std::ranges::copy(samples[row].stages_ns(), fields.begin() + 2);
                  std::ranges::copy(samples[row].metrics_ns(), stages.out);
                });
}

}  // namespace pipelab::record
