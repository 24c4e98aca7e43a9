#pragma once

#include "platform/clock.hpp"

namespace pipelab::pipeline {

/// When an item should have been made and when it was.
struct Arrival {
  platform::Nanoseconds intended_ns;
  platform::Nanoseconds created_ns;
};

/// No schedule: an item is intended the moment the producer is ready to make it.
class Unpaced {
 public:
  explicit Unpaced(platform::Nanoseconds /*interval_ns*/) {}

  /// Starts a schedule whose first item is intended at `begin_ns`.
  void start(platform::Nanoseconds begin_ns) noexcept { platform::sleep_until(begin_ns); }

  /// Waits for the next item's turn.
  Arrival next() noexcept {
    const platform::Nanoseconds now_ns = platform::now_ns();
    return {.intended_ns = now_ns, .created_ns = now_ns};
  }
};

/// Item i is intended `i * interval` after the start, and the producer sleeps until then. A
/// producer that falls behind makes the late items at once, so that the schedule holds on average.
class DeadlinePacing {
 public:
  explicit DeadlinePacing(platform::Nanoseconds interval_ns) : interval_ns_(interval_ns) {}

  void start(platform::Nanoseconds begin_ns) noexcept { intended_ns_ = begin_ns - interval_ns_; }

  Arrival next() noexcept {
    intended_ns_ += interval_ns_;
    platform::Nanoseconds now_ns = platform::now_ns();
    if (now_ns < intended_ns_) {
      platform::sleep_until(intended_ns_);
      now_ns = platform::now_ns();
    }
    return {.intended_ns = intended_ns_, .created_ns = now_ns};
  }

 private:
  platform::Nanoseconds interval_ns_;
  platform::Nanoseconds intended_ns_{0};
};

/// The same schedule, but the producer sleeps for the interval after each item. Whatever making an
/// item and waking up cost comes on top, and the producer falls further behind with each item.
class SleepPacing {
 public:
  explicit SleepPacing(platform::Nanoseconds interval_ns) : interval_ns_(interval_ns) {}

  void start(platform::Nanoseconds begin_ns) noexcept {
    intended_ns_ = begin_ns - interval_ns_;
    platform::sleep_until(begin_ns);
    first_ = true;
  }

  Arrival next() noexcept {
    intended_ns_ += interval_ns_;
    if (!first_) {
      platform::sleep_for(interval_ns_);
    }
    first_ = false;
    return {.intended_ns = intended_ns_, .created_ns = platform::now_ns()};
  }

 private:
  platform::Nanoseconds interval_ns_;
  platform::Nanoseconds intended_ns_{0};
  bool first_{true};
};

}  // namespace pipelab::pipeline
