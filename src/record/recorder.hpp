#pragma once

#include <algorithm>
#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <memory_resource>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "platform/clock.hpp"
#include "platform/memory.hpp"
#include "record/histogram.hpp"

namespace pipelab::record {

/// The times of an item of some workload: when it was intended and done, the stages between, which
/// add up to that, and what is counted of every item. Each stage and metric has a name.
template <class T>
concept ItemTimes = requires(const T& item) {
  { item.intended_ns } -> std::convertible_to<platform::Nanoseconds>;
  { item.done_ns } -> std::convertible_to<platform::Nanoseconds>;
  { T::kStages.front() } -> std::convertible_to<std::string_view>;
  { T::kMetrics.front() } -> std::convertible_to<std::string_view>;
  { item.stages_ns() } -> std::same_as<std::array<platform::Nanoseconds, T::kStages.size()>>;
  { item.metrics_ns() } -> std::same_as<std::array<platform::Nanoseconds, T::kMetrics.size()>>;
};

/// What a thread remembers of the measured items that it is done with: counts of every item's
/// metrics, and all times of the first item and every `sample_every`-th after it, until there are
/// `max_samples` of those. All memory is allocated and touched in the constructor; record() does
/// neither.
template <ItemTimes Times>
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
  void record(const Times& item) noexcept {
    const auto metrics_ns = item.metrics_ns();
    for (std::size_t metric = 0; metric < metrics_ns.size(); ++metric) {
      histograms_[metric].record(static_cast<std::uint64_t>(metrics_ns[metric]));
    }
    if (items_++ == next_sample_) {
      keep(item);
    }
    last_done_ns_ = item.done_ns;
  }

  /// Whether record() will keep the next item whole.
  bool keeps_next() const noexcept { return items_ == next_sample_ && kept_ < max_samples_; }

  /// Takes all that another thread's recorder, of as many items a sample, remembers, too: samples
  /// come to stand in the order of their intended times. Nothing can be recorded after it.
  void merge(const Recorder& other) {
    for (std::size_t metric = 0; metric < histograms_.size(); ++metric) {
      histograms_[metric].merge(other.histograms_[metric]);
    }
    samples_.resize(kept_);
    samples_.insert(samples_.end(), other.samples().begin(), other.samples().end());
    std::ranges::stable_sort(samples_, {}, &Times::intended_ns);
    max_samples_ = kept_ = samples_.size();
    items_ += other.items_;
    last_done_ns_ = std::max(last_done_ns_, other.last_done_ns_);
  }

  /// How often which value of each of Times::kMetrics came.
  std::span<const Histogram> histograms() const noexcept { return histograms_; }

  /// How many items were recorded.
  std::uint64_t items() const noexcept { return items_; }

  /// How many items had a time that is beyond the histograms.
  std::uint64_t clipped() const noexcept {
    return std::ranges::max_element(histograms_, {}, &Histogram::clipped)->clipped();
  }

  /// The items that were kept, in the order of their consumption.
  std::span<const Times> samples() const noexcept { return std::span(samples_).first(kept_); }

  /// The same, for who knows more of them than who recorded them.
  std::span<Times> samples() noexcept { return std::span(samples_).first(kept_); }

  /// Of how many items one is kept.
  std::size_t sample_every() const noexcept { return sample_every_; }

  /// When the last item was done; 0 if there was none.
  platform::Nanoseconds last_done_ns() const noexcept { return last_done_ns_; }

 private:
  // So far ahead of the sample that is written is memory fetched: 2 KiB, which takes longer to come
  // than the processor looks ahead by itself. There is room for as many samples beyond the last.
  static constexpr std::size_t kAhead = 2048 / sizeof(Times) + 1;

  void keep(const Times& item) noexcept {
    if (kept_ < max_samples_) {
      __builtin_prefetch(&samples_[kept_ + kAhead], 1);
      samples_[kept_++] = item;
      next_sample_ += sample_every_;
    }
  }

  std::array<Histogram, Times::kMetrics.size()> histograms_;
  platform::NodeMemory memory_{std::nullopt};
  std::size_t max_samples_;
  std::pmr::vector<Times> samples_;
  std::size_t sample_every_;
  std::size_t kept_{0};
  std::uint64_t next_sample_{0};
  std::uint64_t items_{0};
  platform::Nanoseconds last_done_ns_{0};
};

}  // namespace pipelab::record
