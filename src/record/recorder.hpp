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
#include "record/course.hpp"
#include "record/histogram.hpp"
#include "record/intervals.hpp"
#include "record/series.hpp"

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
/// metrics, all times of the first item and every `sample_every`-th after it, until there are
/// `max_samples` of those, and what came in each of `intervals`. All memory is allocated and
/// touched in the constructor; record() does neither.
template <ItemTimes Times>
class Recorder {
 public:
  explicit Recorder(std::size_t max_samples, std::size_t sample_every = 1,
                    const Intervals& intervals = {})
      : course_(intervals, Times::kMetrics.size()),
        max_samples_(max_samples),
        samples_(max_samples + kAhead, &memory_),
        sample_every_(sample_every),
        next_sample_(max_samples > 0 ? 0 : kNever) {
    look_again(0);
  }

  /// How much memory the course of a run takes.
  static double course_bytes(const Intervals& intervals) {
    return Course::memory_bytes(intervals, Times::kMetrics.size());
  }

  Recorder(const Recorder&) = delete;
  Recorder& operator=(const Recorder&) = delete;
  Recorder(Recorder&&) = delete;
  Recorder& operator=(Recorder&&) = delete;
  ~Recorder() = default;

  /// Says when the measured part begins, before there are items.
  void begin(platform::Nanoseconds begin_ns) noexcept {
    course_.begin(begin_ns);
    end_ns_ = course_.end_ns();
    count_from(0);
  }

  /// Remembers one item; `item.done_ns` grows from call to call. A call of its own, for which the
  /// item has to be in memory, costs one at full speed a fiftieth of its time, in exact timing.
  [[gnu::always_inline]] void record(const Times& item) noexcept {
    const auto metrics_ns = item.metrics_ns();
    for (std::size_t metric = 0; metric < metrics_ns.size(); ++metric) {
      histograms_[metric].record(static_cast<std::uint64_t>(metrics_ns[metric]));
    }
    if (item.done_ns >= end_ns_) [[unlikely]] {
      cross(item.done_ns);
    }
    if (--until_look_ == 0) [[unlikely]] {
      look_at(item);
    }
    last_done_ns_ = item.done_ns;
  }

  /// Remembers that an item came to nothing.
  void fail(platform::Nanoseconds time_ns) noexcept { course_.fail(time_ns); }

  /// Whether record() will keep the next item whole.
  bool keeps_next() const noexcept { return until_look_ == 1 && items() == next_sample_; }

  /// Takes all that another thread's recorder, of as many items a sample and the same intervals,
  /// remembers, too: samples come to stand in the order of their intended times. Nothing can be
  /// recorded after it.
  void merge(Recorder& other) {
    for (std::size_t metric = 0; metric < histograms_.size(); ++metric) {
      histograms_[metric].merge(other.histograms_[metric]);
    }
    course_.close(items());
    other.course_.close(other.items());
    course_.merge(other.course_);
    samples_.resize(kept_);
    samples_.insert(samples_.end(), other.samples().begin(), other.samples().end());
    std::ranges::stable_sort(samples_, {}, &Times::intended_ns);
    max_samples_ = kept_ = samples_.size();
    look_ += other.items();  // which makes so many more of items()
    next_sample_ = kNever;
    last_done_ns_ = std::max(last_done_ns_, other.last_done_ns_);
  }

  /// How often which value of each of Times::kMetrics came.
  std::span<const Histogram> histograms() const noexcept { return histograms_; }

  /// How many items were recorded.
  std::uint64_t items() const noexcept { return look_ - until_look_; }

  /// The course of the run, which took so long.
  Series series(platform::Nanoseconds elapsed_ns) {
    course_.close(items());
    return course_.series(elapsed_ns, Times::kMetrics);
  }

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

  static constexpr std::uint64_t kNever = std::uint64_t{1} << 62U;

  /// Goes on to the interval of an item that was done then.
  [[gnu::noinline]] void cross(platform::Nanoseconds done_ns) noexcept {
    course_.cross(done_ns, items());
    end_ns_ = course_.end_ns();
    count_from(items());
  }

  /// Has items counted in the course, in an interval that begins with that one.
  void count_from(std::uint64_t item) noexcept {
    if (course_.is_wanted()) {
      next_counted_ = item;
      first_of_interval_ = item;
      look_again(item);
    }
  }

  /// Keeps the item whole, or counts it in the course, or both.
  [[gnu::always_inline]] void look_at(const Times& item) noexcept {
    const std::uint64_t number = look_ - 1;
    if (number == next_sample_) {
      keep(item);
    }
    if (number == next_counted_) {
      const std::uint32_t weight = Course::weight_of(number - first_of_interval_);
      const auto metrics_ns = item.metrics_ns();
      for (std::size_t metric = 0; metric < metrics_ns.size(); ++metric) {
        course_.count(metric, static_cast<std::uint64_t>(metrics_ns[metric]), weight);
      }
      // One that counts for others is in their middle.
      const std::uint64_t next = number - weight / 2 + weight;
      next_counted_ = next + Course::weight_of(next - first_of_interval_) / 2;
    }
    look_again(look_);
  }

  void keep(const Times& item) noexcept {
    __builtin_prefetch(&samples_[kept_ + kAhead], 1);
    samples_[kept_++] = item;
    next_sample_ = kept_ < max_samples_ ? next_sample_ + sample_every_ : kNever;
  }

  /// After so many items: decides at which one record() has more to do.
  void look_again(std::uint64_t items) noexcept {
    look_ = std::min(next_sample_, next_counted_) + 1;
    until_look_ = look_ - items;
  }

  std::array<Histogram, Times::kMetrics.size()> histograms_;
  Course course_;
  platform::NodeMemory memory_{std::nullopt};
  std::size_t max_samples_;
  std::pmr::vector<Times> samples_;
  std::size_t sample_every_;
  std::size_t kept_{0};
  std::uint64_t next_sample_;           // items before the next one that is kept whole
  std::uint64_t next_counted_{kNever};  // items before the next one that counts in the course
  std::uint64_t first_of_interval_{0};  // items before it
  std::uint64_t look_{0};               // items when record() has more to do: a count down to it
  std::uint64_t until_look_{0};         // costs an item less than two counters that are compared
  platform::Nanoseconds end_ns_{IntervalPlace::kNever};  // of the interval
  platform::Nanoseconds last_done_ns_{0};
};

}  // namespace pipelab::record
