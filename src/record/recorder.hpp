#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory_resource>
#include <optional>
#include <span>
#include <vector>

#include "platform/memory.hpp"
#include "record/histogram.hpp"
#include "record/item_times.hpp"

namespace pipelab::record {

/// What the consumer remembers of the measured items: counts of every item's latency and response
/// time, and all times of the first item and every `sample_every`-th after it, until there are
/// `max_samples` of those. All memory is allocated and touched in the constructor; record() does
/// neither.
class Recorder {
 public:
  explicit Recorder(std::size_t max_samples, std::size_t sample_every = 1)
      : max_samples_(max_samples),
        samples_(max_samples + kAhead, &memory_),
        sample_every_(sample_every) {}

  Recorder(const Recorder&) = delete;
  Recorder& operator=(const Recorder&) = delete;
  Recorder(Recorder&&) = delete;
  Recorder& operator=(Recorder&&) = delete;
  ~Recorder() = default;

  /// Remembers one item; `item.done_ns` grows from call to call.
  void record(const ItemTimes& item) noexcept {
    latency_.record(static_cast<std::uint64_t>(item.latency_ns()));
    response_.record(static_cast<std::uint64_t>(item.response_ns()));
    if (items_++ == next_sample_) {
      keep(item);
    }
    last_done_ns_ = item.done_ns;
  }

  const Histogram& latency() const noexcept { return latency_; }
  const Histogram& response() const noexcept { return response_; }

  /// How many items were recorded.
  std::uint64_t items() const noexcept { return items_; }

  /// How many items had a time that is beyond the histograms.
  std::uint64_t clipped() const noexcept {
    return std::max(latency_.clipped(), response_.clipped());
  }

  /// The items that were kept, in the order of their consumption.
  std::span<const ItemTimes> samples() const noexcept { return std::span(samples_).first(kept_); }

  /// Of how many items one is kept.
  std::size_t sample_every() const noexcept { return sample_every_; }

  /// When the last item was done; 0 if there was none.
  platform::Nanoseconds last_done_ns() const noexcept { return last_done_ns_; }

 private:
  // So far ahead of the sample that is written is memory fetched: 2 KiB, which takes longer to come
  // than the processor looks ahead by itself. There is room for as many samples beyond the last.
  static constexpr std::size_t kAhead = 52;

  void keep(const ItemTimes& item) noexcept {
    if (kept_ < max_samples_) {
      __builtin_prefetch(&samples_[kept_ + kAhead], 1);
      samples_[kept_++] = item;
      next_sample_ += sample_every_;
    }
  }

  Histogram latency_;
  Histogram response_;
  platform::NodeMemory memory_{std::nullopt};
  std::size_t max_samples_;
  std::pmr::vector<ItemTimes> samples_;
  std::size_t sample_every_;
  std::size_t kept_{0};
  std::uint64_t next_sample_{0};
  std::uint64_t items_{0};
  platform::Nanoseconds last_done_ns_{0};
};

}  // namespace pipelab::record
