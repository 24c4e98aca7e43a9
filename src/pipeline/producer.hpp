#pragma once

#include <atomic>
#include <cstdint>

#include "pipeline/item.hpp"
#include "pipeline/options.hpp"
#include "pipeline/pacing.hpp"
#include "platform/clock.hpp"
#include "platform/cpu.hpp"

namespace pipelab::pipeline {

/// What the producer did in one phase. `dropped` of the `produced` items never entered the queue.
struct Production {
  std::uint64_t produced{0};
  std::uint64_t dropped{0};
};

/// Part of a run, from its first intended item to its end.
struct Phase {
  platform::Nanoseconds begin_ns;
  platform::Nanoseconds end_ns;
};

/// The thread side that makes items and pushes them into `Link`.
template <class Link, class Pacing, OnFull kOnFull>
class Producer {
 public:
  Producer(Link& link, platform::Nanoseconds interval_ns, const std::atomic<bool>& stop)
      : link_(link), pacing_(interval_ns), stop_(stop) {}

  /// Produces through `phase`, or until `stop` is set.
  Production run(const Phase& phase) {
    Production production;
    pacing_.start(phase.begin_ns);
    for (;;) {
      const Arrival arrival = pacing_.next();
      // Relaxed: the flag carries nothing with it, and a few more items do no harm.
      if (arrival.created_ns >= phase.end_ns || stop_.load(std::memory_order_relaxed)) {
        return production;
      }
      ++production.produced;
      if (!push(arrival)) {
        ++production.dropped;
        platform::spin_hint();  // a dropped item is no progress: let the consumer's CPU run
      }
    }
  }

 private:
  bool push(const Arrival& arrival) {
    Item item{.intended_ns = arrival.intended_ns,
              .created_ns = arrival.created_ns,
              .pushed_ns = arrival.created_ns};
    if (link_.try_push(item)) {
      return true;
    }
    if constexpr (kOnFull == OnFull::kDrop) {
      return false;
    }
    do {
      do {
        waiter_.pause([this] { link_.park_producer(); });
      } while (link_.full());
      item.pushed_ns = platform::now_ns();
    } while (!link_.try_push(item));
    waiter_.reset();
    return true;
  }

  Link& link_;
  Pacing pacing_;
  typename Link::Waiter waiter_;
  const std::atomic<bool>& stop_;
};

}  // namespace pipelab::pipeline
