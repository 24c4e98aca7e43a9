#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <vector>

#include "load/phases.hpp"
#include "platform/clock.hpp"
#include "record/histogram.hpp"
#include "workloads/feed/cache.hpp"
#include "workloads/feed/generator.hpp"

namespace pipelab::feed {

/// What a display measured, of the measured part.
struct Displayed {
  record::Histogram read;       ///< of all symbols, from the cache
  record::Histogram sort;       ///< of these, by activity
  record::Histogram render;     ///< into a buffer
  record::Histogram staleness;  ///< of each symbol: since its last message was made
  std::uint64_t torn{0};        ///< entries that were of two updates
};

/// Shows all symbols of a cache that another thread writes, again and again.
template <class Cache>
class Display {
 public:
  Display(const Cache& cache, std::size_t symbols, platform::Nanoseconds interval_ns)
      : cache_(cache), rows_(symbols), interval_ns_(interval_ns) {}

  /// Until the measured part is over.
  void run(const load::Phases& phases, const std::atomic<bool>& stop) {
    show(phases.warm_up, false, stop);
    show(phases.measured, true, stop);
  }

  const Displayed& displayed() const noexcept { return displayed_; }

 private:
  struct Row {
    std::size_t symbol;
    Entry entry;
  };

  void show(const load::Phase& phase, bool measures, const std::atomic<bool>& stop) {
    for (platform::Nanoseconds at_ns = phase.begin_ns + interval_ns_; at_ns < phase.end_ns;
         at_ns += interval_ns_) {
      platform::sleep_until(at_ns, stop);
      if (stop) {
        return;
      }
      show_once(measures);
    }
  }

  void show_once(bool measures) {
    const platform::Nanoseconds begin_ns = platform::now_ns();
    for (std::size_t symbol = 0; symbol < rows_.size(); ++symbol) {
      rows_[symbol] = {.symbol = symbol, .entry = cache_.read(symbol)};
    }
    const platform::Nanoseconds read_ns = platform::now_ns();
    std::ranges::sort(rows_, [](const Row& left, const Row& right) {
      return left.entry.updates != right.entry.updates ? left.entry.updates > right.entry.updates
                                                       : left.symbol < right.symbol;
    });
    const platform::Nanoseconds sorted_ns = platform::now_ns();
    render(sorted_ns);
    const platform::Nanoseconds rendered_ns = platform::now_ns();
    displayed_.torn += static_cast<std::uint64_t>(
        std::ranges::count_if(rows_, [](const Row& row) { return !row.entry.is_whole(); }));
    if (!measures) {
      return;
    }
    displayed_.read.record(static_cast<std::uint64_t>(read_ns - begin_ns));
    displayed_.sort.record(static_cast<std::uint64_t>(sorted_ns - read_ns));
    displayed_.render.record(static_cast<std::uint64_t>(rendered_ns - sorted_ns));
    for (const Row& row : rows_) {
      if (row.entry.updates > 0) {
        displayed_.staleness.record(static_cast<std::uint64_t>(
            std::max<platform::Nanoseconds>(read_ns - row.entry.generated_ns, 0)));
      }
    }
  }

  void render(platform::Nanoseconds now_ns) {
    text_.clear();
    const auto price = [](std::uint32_t units) { return units / Generator::kPriceUnits; };
    for (const auto& [symbol, entry] : rows_) {
      fmt::format_to(std::back_inserter(text_),
                     "S{:05} {:12.4f} {:12.4f} {:12.4f} {:6} {:9.3f} ms\n", symbol,
                     price(entry.bid), price(entry.ask), price(entry.trade), entry.updates,
                     platform::to_seconds(now_ns - entry.generated_ns) * 1e3);
    }
  }

  const Cache& cache_;
  std::vector<Row> rows_;
  platform::Nanoseconds interval_ns_;
  fmt::memory_buffer text_;
  Displayed displayed_;
};

}  // namespace pipelab::feed
