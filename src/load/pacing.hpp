#pragma once

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstdint>
#include <optional>

#include "load/arrivals.hpp"
#include "load/options.hpp"
#include "load/phases.hpp"
#include "load/rated_arrivals.hpp"
#include "platform/clock.hpp"
#include "platform/cpu.hpp"

namespace pipelab::load {

/// When an item should have been made and when it was.
struct Turn {
  platform::Nanoseconds intended_ns;
  platform::Nanoseconds created_ns;
};

/// No schedule: an item is intended the moment the producer is ready to make it. `Clock` is like
/// platform::MonotonicClock.
template <class Clock>
class BasicUnpaced {
 public:
  explicit BasicUnpaced(const Options& /*options*/, const Share& /*share*/ = {}) {}

  /// Waits for the phase's begin, unless `stop` is set.
  void start(const Phase& phase, const std::atomic<bool>& stop) noexcept {
    end_ns_ = phase.end_ns;
    Clock::sleep_until(phase.begin_ns, stop);
  }

  /// Waits for the next item's turn. None when the phase is over, or `stop` is set. A call of
  /// its own costs an item at full speed a twentieth of its time, in exact timing.
  [[gnu::always_inline]] std::optional<Turn> next(const std::atomic<bool>& stop) noexcept {
    const platform::Nanoseconds now_ns = Clock::now_ns();
    // Relaxed: the flag carries nothing with it, and one more item does no harm.
    if (now_ns >= end_ns_ || stop.load(std::memory_order_relaxed)) {
      return std::nullopt;
    }
    return Turn{.intended_ns = now_ns, .created_ns = now_ns};
  }

  /// When the next item is intended, or the phase over: long ago, where there is no schedule.
  platform::Nanoseconds next_ns() const noexcept { return 0; }

  /// How many items of the phase, once it is over, were intended but never made.
  std::uint64_t missed() noexcept { return 0; }

 private:
  platform::Nanoseconds end_ns_{0};
};

/// Items are intended at times that were fixed before, by `Schedule`, and the producer waits for
/// each of them: it sleeps or spins until the item's own time, so that a producer that falls behind
/// makes the late items at once and the schedule holds on average; or it sleeps for the gap, and
/// then whatever making an item and waking up cost makes it later with each item. Where the phase
/// ends before the next item's turn, it waits for that end.
template <class Clock, class Schedule = Arrivals>
class BasicPaced {
 public:
  explicit BasicPaced(const Options& options, const Share& share = {})
      : pacing_(options.pacing), arrivals_(options, share) {}

  /// Every phase has the schedule from its beginning, the warm-up as well: what is measured does
  /// not depend on whether something ran before, and that was the same load.
  void start(const Phase& phase, const std::atomic<bool>& stop) noexcept {
    phase_ = phase;
    intended_ns_ = phase.begin_ns + arrivals_.restart();
    gap_ns_ = 0;
    Clock::sleep_until(std::min(intended_ns_, phase.end_ns), stop);
  }

  /// A schedule that is kept ends with its last intended item, so that the late items of a stall at
  /// the end count, too, but for those that would be later than the phase lets them be. One that is
  /// not kept ends with its time.
  std::optional<Turn> next(const std::atomic<bool>& stop) noexcept {
    const platform::Nanoseconds gap_ns = gap_ns_;
    intended_ns_ += gap_ns;
    gap_ns_ = arrivals_.next_gap_ns();  // before the wait, so that it costs the item no time
    const Turn turn{.intended_ns = intended_ns_, .created_ns = wait(gap_ns, stop)};
    // Relaxed: as above.
    if (turn.intended_ns >= phase_.end_ns ||
        turn.created_ns >= (pacing_ == Pacing::kSleep ? phase_.end_ns : phase_.late_ns) ||
        stop.load(std::memory_order_relaxed)) {
      return std::nullopt;
    }
    return turn;
  }

  platform::Nanoseconds next_ns() const noexcept {
    return std::min(intended_ns_ + gap_ns_, phase_.end_ns);
  }

  std::uint64_t missed() noexcept { return arrivals_.count(gap_ns_, phase_.end_ns - intended_ns_); }

 private:
  /// Until the item's turn, or the phase's end if that is sooner; returns the time then.
  platform::Nanoseconds wait(platform::Nanoseconds gap_ns, const std::atomic<bool>& stop) noexcept {
    platform::Nanoseconds now_ns = Clock::now_ns();
    switch (pacing_) {
      case Pacing::kSleep:
        Clock::sleep_for(std::min(gap_ns, phase_.end_ns - now_ns), stop);
        return Clock::now_ns();
      case Pacing::kDeadline:
        if (now_ns < intended_ns_) {
          Clock::sleep_until(std::min(intended_ns_, phase_.end_ns), stop);
          now_ns = Clock::now_ns();
        }
        return now_ns;
      case Pacing::kSpin: {
        const platform::Nanoseconds until_ns = std::min(intended_ns_, phase_.end_ns);
        // Relaxed: the flag carries nothing with it.
        while (now_ns < until_ns && !stop.load(std::memory_order_relaxed)) {
          platform::spin_hint();
          now_ns = Clock::now_ns();
        }
        return now_ns;
      }
    }
    return now_ns;
  }

  Pacing pacing_;
  Schedule arrivals_;
  Phase phase_{};
  platform::Nanoseconds intended_ns_{0};  ///< of the last turn
  platform::Nanoseconds gap_ns_{0};       ///< from there to the next
};

using Unpaced = BasicUnpaced<platform::MonotonicClock>;
using Paced = BasicPaced<platform::MonotonicClock>;
using Patterned = BasicPaced<platform::MonotonicClock, RatedArrivals>;

/// Has a share of a run's items made, those of the warm-up and then those that are measured, by
/// `make(pacing, measures)`, which ends when the pacing has no next turn. Returns how many measured
/// ones were intended but never made; that takes its time.
template <class Make>
std::uint64_t make_share(const Options& options, const Share& share, const Phases& phases,
                         const std::atomic<bool>& stop, Make make) {
  const auto run = [&](auto pacing) {
    pacing.start(phases.warm_up, stop);
    make(pacing, false);
    pacing.start(phases.measured, stop);
    make(pacing, true);
    return stop ? 0 : pacing.missed();
  };
  if (options.pattern) {
    return run(Patterned(options, share));
  }
  return options.has_schedule() ? run(Paced(options, share)) : run(Unpaced(options, share));
}

}  // namespace pipelab::load
