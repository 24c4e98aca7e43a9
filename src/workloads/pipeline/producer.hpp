#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <vector>

#include "channel/link.hpp"
#include "channel/options.hpp"
#include "channel/payload.hpp"
#include "load/options.hpp"
#include "load/pacing.hpp"
#include "load/phases.hpp"
#include "platform/clock.hpp"
#include "platform/cpu.hpp"
#include "record/intervals.hpp"
#include "workloads/pipeline/item.hpp"

namespace pipelab::pipeline {

/// What the producer did in one phase.
struct Production {
  std::uint64_t produced{0};  ///< items that were made
  std::uint64_t dropped{0};   ///< of these, the ones that never reached the consumer
  std::uint64_t missed{0};  ///< items of the schedule that were never made, where that was counted
};

/// The thread side that makes items and pushes them into `Link`.
template <channel::PushSide Link, class Pacing>
class Producer {
 public:
  Producer(Link& link, const load::Options& load, const channel::Options& options,
           const std::atomic<bool>& stop, const record::Intervals& intervals = {})
      : link_(link),
        pacing_(load),
        payload_(options.item_bytes, options.zero_copy),
        has_payload_(options.item_bytes > 0),
        blocks_(options.on_full == channel::OnFull::kBlock),
        stop_(stop),
        drops_(intervals) {}

  /// Produces through `phase`, or until `stop` is set.
  Production run(const load::Phase& phase) {
    Production production;
    drops_.begin(phase.begin_ns);
    pacing_.start(phase, stop_);
    while (const std::optional<load::Turn> turn = pacing_.next(stop_)) {
      ++production.produced;
      if (!push(*turn, phase.begin_ns)) {
        ++production.dropped;
        drops_.count(turn->created_ns);
        platform::spin_hint();  // a dropped item is no progress: let the consumer's CPU run
      }
    }
    link_.flush();
    return production;
  }

  /// How many items were dropped in each interval of the last phase.
  const std::vector<std::uint64_t>& drops() const noexcept { return drops_.counts(); }

  /// How many items of the last phase's schedule were never made. It takes its time.
  std::uint64_t missed() noexcept {
    return stop_.load(std::memory_order_relaxed) ? 0 : pacing_.missed();
  }

 private:
  /// False when an item of this phase, this one or one that it displaced, was dropped.
  bool push(const load::Turn& turn, platform::Nanoseconds phase_begin_ns) {
    Item item{.intended_ns = turn.intended_ns,
              .created_ns = turn.created_ns,
              .pushed_ns = turn.created_ns};
    if (has_payload_) {
      payload_.write(link_.next_payload());
      item.pushed_ns = platform::now_ns();
    }
    channel::Push result = link_.try_push(item);
    while (result == channel::Push::kFull && blocks_) {
      do {
        waiter_.pause([this] { link_.park_producer(); });
      } while (link_.full());
      item.pushed_ns = platform::now_ns();
      result = link_.try_push(item);
    }
    waiter_.reset();
    return result == channel::Push::kPushed ||
           (result == channel::Push::kDisplaced && link_.displaced().intended_ns < phase_begin_ns);
  }

  Link& link_;
  Pacing pacing_;
  channel::PayloadWriter payload_;
  bool has_payload_;
  bool blocks_;
  typename Link::Waiter waiter_;
  const std::atomic<bool>& stop_;
  record::IntervalCounter drops_;
};

}  // namespace pipelab::pipeline
