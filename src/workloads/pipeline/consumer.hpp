#pragma once

#include <cstdint>

#include "channel/link.hpp"
#include "channel/payload.hpp"
#include "platform/clock.hpp"
#include "record/recorder.hpp"
#include "workloads/pipeline/item.hpp"
#include "workloads/pipeline/item_times.hpp"
#include "workloads/pipeline/options.hpp"
#include "workloads/pipeline/work.hpp"

namespace pipelab::pipeline {

/// The thread side that pops items from `Link`, works on them, and records them.
template <channel::PopSide Link>
class Consumer {
 public:
  /// `seed` decides what is worked on.
  Consumer(Link& link, const Options& options, std::uint64_t seed,
           record::Recorder<ItemTimes>& recorder)
      : link_(link),
        work_(options.work_bytes, seed),
        payload_(options.channel.item_bytes, options.channel.zero_copy),
        has_payload_(options.channel.item_bytes > 0),
        recorder_(recorder) {}

  /// Consumes until the link is closed and empty. Items that were intended before `measure_from_ns`
  /// are not recorded.
  void run(platform::Nanoseconds measure_from_ns) {
    Item item;
    platform::Nanoseconds free_ns = 0;
    while (pop(item)) {
      if (has_payload_) {
        payload_.get(link_.popped_payload());
      }
      const platform::Nanoseconds popped_ns = platform::now_ns();
      const platform::Nanoseconds done_ns = serve(popped_ns);
      if (item.intended_ns >= measure_from_ns) {
        recorder_.record({.intended_ns = item.intended_ns,
                          .created_ns = item.created_ns,
                          .pushed_ns = item.pushed_ns,
                          .popped_ns = popped_ns,
                          .done_ns = done_ns,
                          .free_ns = free_ns});
      }
      free_ns = done_ns;
    }
  }

  /// Takes what comes until the end, so that a producer that waits for room is not left alone.
  void drain() {
    Item item;
    while (pop(item)) {
    }
  }

  /// How many payloads were torn, came twice, or came out of order.
  std::uint64_t faults() const noexcept { return payload_.faults(); }

 private:
  /// Waits for an item; false at the end of the stream.
  bool pop(Item& item) {
    while (!link_.try_pop(item)) {
      if (link_.closed()) {
        return link_.try_pop(item);  // it may have come between the two looks
      }
      waiter_.pause([this] { link_.park_consumer(); });
    }
    waiter_.reset();
    return true;
  }

  /// Does what is to be done with an item; returns when it was done. Where there is nothing to do,
  /// there is no service time, and no second clock read.
  platform::Nanoseconds serve(platform::Nanoseconds popped_ns) noexcept {
    if (work_.empty() && !has_payload_) {
      return popped_ns;
    }
    if (has_payload_) {
      payload_.read();
    }
    work_.run();
    return platform::now_ns();
  }

  Link& link_;
  Work work_;
  channel::PayloadReader payload_;
  bool has_payload_;
  record::Recorder<ItemTimes>& recorder_;
  typename Link::Waiter waiter_;
};

}  // namespace pipelab::pipeline
