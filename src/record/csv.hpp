#pragma once

#include <span>
#include <string>
#include <utility>
#include <vector>

#include "record/histogram.hpp"
#include "record/item_times.hpp"
#include "record/output_file.hpp"

namespace pipelab::record {

/// One line of a stats file.
using Stat = std::pair<std::string, std::string>;

/// Writes `stats` as `key,value` lines under that header.
/// All writers here close the file, and throw std::system_error, naming its path, when it cannot be
/// written whole.
void write_stats(OutputFile file, std::span<const Stat> stats);

/// Writes one line an item: its number (0, `every`, twice that, ...), when it was intended (ns
/// after `begin_ns`), its four stages, and its latency and response time, all in ns.
void write_latencies(OutputFile file, std::span<const ItemTimes> items, std::size_t every,
                     platform::Nanoseconds begin_ns);

/// Writes `metric,lowest_ns,highest_ns,count`, one line a filled bucket.
void write_histograms(OutputFile file, std::span<const NamedHistogram> histograms);

}  // namespace pipelab::record
