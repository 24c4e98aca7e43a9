#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "record/histogram.hpp"
#include "record/item_times.hpp"

namespace pipelab::record {

/// What the consumer remembers of the measured items: counts of every item's latency and response
/// time, and all times of the first `max_samples` items. All memory is allocated and touched in the
/// constructor; record() does neither.
class Recorder {
 public:
  explicit Recorder(std::size_t max_samples) : samples_(max_samples) {}

  /// Remembers one item; `item.done_ns` grows from call to call.
  void record(const ItemTimes& item) noexcept {
    latency_.record(static_cast<std::uint64_t>(item.latency_ns()));
    response_.record(static_cast<std::uint64_t>(item.response_ns()));
    if (items_ < samples_.size()) {
      samples_[items_] = item;
    }
    ++items_;
    last_done_ns_ = item.done_ns;
  }

  const Histogram& latency() const noexcept { return latency_; }
  const Histogram& response() const noexcept { return response_; }

  /// How many items were recorded.
  std::uint64_t items() const noexcept { return items_; }

  /// The first items, in the order of their consumption.
  std::vector<ItemTimes> samples() const {
    return {samples_.begin(),
            samples_.begin() + static_cast<std::ptrdiff_t>(std::min(items_, samples_.size()))};
  }

  /// When the last item was done; 0 if there was none.
  platform::Nanoseconds last_done_ns() const noexcept { return last_done_ns_; }

 private:
  Histogram latency_;
  Histogram response_;
  std::vector<ItemTimes> samples_;
  std::size_t items_{0};
  platform::Nanoseconds last_done_ns_{0};
};

}  // namespace pipelab::record
