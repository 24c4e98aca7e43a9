#pragma once

#include <atomic>
#include <cmath>
#include <cstdint>
#include <limits>
#include <optional>
#include <stdexcept>
#include <utility>

#include "load/pacing.hpp"
#include "load/phases.hpp"
#include "platform/clock.hpp"
#include "platform/cpu.hpp"
#include "record/histogram.hpp"
#include "record/intervals.hpp"
#include "workload.hpp"
#include "workloads/ingress/options.hpp"
#include "workloads/ingress/seats.hpp"
#include "workloads/ingress/task.hpp"

namespace pipelab::ingress {

/// What a producer measured.
struct Submitted {
  explicit Submitted(const Options& options, const record::Intervals& intervals = {})
      : drops(intervals) {
    if (options.burst > 0) {
      burst.emplace();
    }
  }

  std::uint64_t all{0};           ///< tasks that were handed over in the whole run
  std::uint64_t measured{0};      ///< of these, the measured ones
  std::uint64_t dropped{0};       ///< that there was no room for, measured ones
  record::IntervalCounter drops;  ///< the same, by when that was
  std::uint64_t missed{0};        ///< of the schedule that were never made
  record::Histogram submit{};     ///< what each submit took its producer, of the measured ones
  std::optional<record::Histogram> burst;  ///< from its first submit until all of it is done
};

/// Makes a producer's share of the tasks of a run, and hands them over: of N producers each has
/// every Nth task of the schedule, or bursts of its own.
template <class Handover>
class Producer {
 public:
  Producer(const Kit& kit, const Options& options, std::size_t which, Handover handover,
           Seats& seats, const std::atomic<bool>& stop, Submitted& submitted)
      : load_(kit.load),
        options_(options),
        which_(which),
        handover_(std::move(handover)),
        seats_(seats),
        seat_(seats[which]),
        stop_(stop),
        submitted_(submitted) {}

  Producer(const Producer&) = delete;
  Producer& operator=(const Producer&) = delete;
  Producer(Producer&&) = delete;
  Producer& operator=(Producer&&) = delete;

  /// Says that nothing more comes.
  ~Producer() {
    seats_.leave();
    handover_.leave();
  }

  void run(const load::Phases& phases) {
    if (options_.fault && options_.fault->what == Fault::What::kProducer && which_ == 0) {
      stall_ns_ = phases.measured.begin_ns + std::llround(options_.fault->at_s * 1e9);
    }
    const load::Share share{.which = which_, .many = options_.producers};
    const std::uint64_t missed =
        load::make_share(load_, share, phases, stop_, [&](auto& pacing, bool measures) {
          measures_ = measures;
          if (measures) {
            submitted_.drops.begin(phases.measured.begin_ns);
          }
          for (std::optional<load::Turn> turn; goes_on() && (turn = pacing.next(stop_));) {
            if (options_.burst > 0) {
              run_burst(*turn);
            } else {
              submit(*turn);
            }
          }
        });
    submitted_.missed = seats_.closed() ? 0 : missed;
  }

 private:
  // Relaxed: the flag carries nothing with it, and a few more tasks do no harm.
  bool goes_on() const noexcept {
    return !stop_.load(std::memory_order_relaxed) && !seats_.closed();
  }

  /// Submits a burst, the first task of which has its turn, waits until it is done, and pauses.
  void run_burst(load::Turn turn) {
    const platform::Nanoseconds begin_ns = turn.created_ns;
    for (std::size_t left = options_.burst; left > 0 && goes_on(); --left) {
      turn.intended_ns = turn.created_ns = submit(turn);
    }
    seat_.wait_until([this] { return seat_.done() == submitted_.all || seats_.closed(); });
    const platform::Nanoseconds end_ns = platform::now_ns();
    if (measures_) {
      submitted_.burst->record(static_cast<std::uint64_t>(end_ns - begin_ns));
    }
    platform::sleep_until(end_ns + options_.pause_us * platform::kNanosecondsPerMicrosecond, stop_);
  }

  /// Returns when that was over.
  platform::Nanoseconds submit(const load::Turn& turn) {
    Task task{.intended_ns = turn.intended_ns,
              .submitted_ns = turn.created_ns,
              .number = submitted_.all,
              .producer = static_cast<std::uint16_t>(which_),
              .seen = static_cast<std::uint16_t>(which_),
              .measured = measures_};
    if (!find_room(task)) {
      return platform::now_ns();
    }
    if (options_.order == Order::kGlobal) {
      const auto other = static_cast<std::size_t>((which_ + 1 + task.number) % options_.producers);
      task.seen = static_cast<std::uint16_t>(other);
      task.seen_number = seats_[other].handed_over();
    }
    seat_.begin(task.number);
    if (!handover_.hand_over(task, [this] { pause(); })) {
      throw std::logic_error("a queue was full that its producers had room in");
    }
    const platform::Nanoseconds published_ns = handover_.wake();
    const platform::Nanoseconds end_ns = platform::now_ns();
    seat_.end(task.number, published_ns > 0 ? published_ns : end_ns);
    ++submitted_.all;
    if (measures_) {
      ++submitted_.measured;
      submitted_.submit.record(static_cast<std::uint64_t>(end_ns - task.submitted_ns));
    }
    return end_ns;
  }

  /// Whether there is room for the task; waits for it, or counts the task as dropped.
  bool find_room(Task& task) {
    const auto has_room = [this] { return submitted_.all - done_seen_ < options_.share(); };
    if (has_room()) {
      return true;
    }
    done_seen_ = seat_.done();
    if (has_room()) {
      return true;
    }
    if (options_.on_full == OnFull::kDrop) {
      if (measures_) {
        ++submitted_.dropped;
        submitted_.drops.count(task.submitted_ns);
      }
      platform::spin_hint();  // a dropped task is no progress: let the loop's CPU run
      return false;
    }
    seat_.wait_until([&] {
      done_seen_ = seat_.done();
      return has_room() || seats_.closed();
    });
    task.submitted_ns = platform::now_ns();
    return has_room();
  }

  /// Stalls between the two steps of a push, where that is wanted.
  void pause() const noexcept {
    if (stall_ns_ < std::numeric_limits<platform::Nanoseconds>::max() &&
        platform::now_ns() >= stall_ns_) {
      while (goes_on()) {
        platform::sleep_for(1'000'000, stop_);
      }
    }
  }

  const load::Options& load_;
  const Options& options_;
  std::size_t which_;
  Handover handover_;
  Seats& seats_;
  Seat& seat_;
  const std::atomic<bool>& stop_;
  Submitted& submitted_;
  platform::Nanoseconds stall_ns_{std::numeric_limits<platform::Nanoseconds>::max()};
  std::uint64_t done_seen_{0};
  bool measures_{false};
};

}  // namespace pipelab::ingress
