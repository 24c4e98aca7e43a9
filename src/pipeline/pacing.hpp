#pragma once

#include <atomic>
#include <cmath>

#include "pipeline/arrivals.hpp"
#include "pipeline/options.hpp"
#include "platform/clock.hpp"
#include "platform/cpu.hpp"

namespace pipelab::pipeline {

/// When an item should have been made and when it was.
struct Turn {
  platform::Nanoseconds intended_ns;
  platform::Nanoseconds created_ns;
};

/// Part of a run, from its first intended item to its end.
struct Phase {
  platform::Nanoseconds begin_ns;
  platform::Nanoseconds end_ns;
};

/// No schedule: an item is intended the moment the producer is ready to make it.
class Unpaced {
 public:
  explicit Unpaced(const Options& /*options*/) {}

  /// Waits for the first item's turn, unless `stop` is set.
  void start(const Phase& phase, const std::atomic<bool>& stop) noexcept {
    end_ns_ = phase.end_ns;
    platform::sleep_until(phase.begin_ns, stop);
  }

  /// Waits for the next item's turn, unless `stop` is set.
  Turn next(const std::atomic<bool>& /*stop*/) noexcept {
    const platform::Nanoseconds now_ns = platform::now_ns();
    return {.intended_ns = now_ns, .created_ns = now_ns};
  }

  /// Whether the phase is over before `turn`.
  bool over(const Turn& turn) const noexcept { return turn.created_ns >= end_ns_; }

  /// How many items of the phase, from the one that was over on, were intended but never made.
  std::uint64_t missed() noexcept { return 0; }

 private:
  platform::Nanoseconds end_ns_{0};
};

/// Items are intended at times that were fixed before, `Arrivals` apart, and the producer waits for
/// each of them: it sleeps or spins until the item's own time, so that a producer that falls behind
/// makes the late items at once and the schedule holds on average; or it sleeps for the gap, and
/// then whatever making an item and waking up cost makes it later with each item.
class Paced {
 public:
  explicit Paced(const Options& options)
      : pacing_(options.pacing),
        arrivals_(options.arrival,
                  std::llround(options.prod_interval_us *
                               static_cast<double>(platform::kNanosecondsPerMicrosecond)),
                  options.seed) {}

  void start(const Phase& phase, const std::atomic<bool>& stop) noexcept {
    phase_ = phase;
    intended_ns_ = phase.begin_ns;
    gap_ns_ = 0;
    platform::sleep_until(phase.begin_ns, stop);
  }

  Turn next(const std::atomic<bool>& stop) noexcept {
    intended_ns_ += gap_ns_;
    const platform::Nanoseconds created_ns = wait(stop);
    gap_ns_ = arrivals_.next_gap_ns();
    return {.intended_ns = intended_ns_, .created_ns = created_ns};
  }

  /// A schedule that is kept ends with its last intended item, however late that is made: the late
  /// items of a stall at the end count, too. But no run lasts more than twice as long as it should.
  bool over(const Turn& turn) const noexcept {
    const platform::Nanoseconds length_ns = phase_.end_ns - phase_.begin_ns;
    return turn.intended_ns >= phase_.end_ns ||
           turn.created_ns >= phase_.end_ns + (pacing_ == Pacing::kSleep ? 0 : length_ns);
  }

  std::uint64_t missed() noexcept {
    std::uint64_t items = 0;
    for (; intended_ns_ < phase_.end_ns; intended_ns_ += gap_ns_, ++items) {
      gap_ns_ = items == 0 ? gap_ns_ : arrivals_.next_gap_ns();
    }
    return items;
  }

 private:
  platform::Nanoseconds wait(const std::atomic<bool>& stop) noexcept {
    platform::Nanoseconds now_ns = platform::now_ns();
    switch (pacing_) {
      case Pacing::kSleep:
        platform::sleep_for(gap_ns_, stop);
        return platform::now_ns();
      case Pacing::kDeadline:
        if (now_ns < intended_ns_) {
          platform::sleep_until(intended_ns_, stop);
          now_ns = platform::now_ns();
        }
        return now_ns;
      case Pacing::kSpin:
        // Relaxed: the flag carries nothing with it.
        while (now_ns < intended_ns_ && !stop.load(std::memory_order_relaxed)) {
          platform::spin_hint();
          now_ns = platform::now_ns();
        }
        return now_ns;
    }
    return now_ns;
  }

  Pacing pacing_;
  Arrivals arrivals_;
  Phase phase_{};
  platform::Nanoseconds intended_ns_{0};  ///< of the item made last
  platform::Nanoseconds gap_ns_{0};       ///< from there to the next
};

}  // namespace pipelab::pipeline
