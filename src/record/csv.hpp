#pragma once

#include <span>
#include <string>
#include <utility>
#include <vector>

#include "record/histogram.hpp"
#include "record/item_times.hpp"

namespace pipelab::record {

/// One line of a stats file.
using Stat = std::pair<std::string, std::string>;

/// Writes `stats` as `key,value` lines under that header.
/// All writers here throw std::system_error, naming `path`, when the file cannot be written whole.
void write_stats(const std::string& path, std::span<const Stat> stats);

/// Writes one line an item: its number, when it was intended (ns after `begin_ns`), its four
/// stages, and its latency and response time, all in ns.
void write_latencies(const std::string& path, std::span<const ItemTimes> items,
                     platform::Nanoseconds begin_ns);

/// Writes `metric,lowest_ns,highest_ns,count`, one line a filled bucket.
void write_histograms(const std::string& path, std::span<const NamedHistogram> histograms);

}  // namespace pipelab::record
