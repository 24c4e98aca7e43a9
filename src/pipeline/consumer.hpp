#pragma once

#include "pipeline/item.hpp"
#include "pipeline/work.hpp"
#include "platform/clock.hpp"
#include "record/recorder.hpp"

namespace pipelab::pipeline {

/// The thread side that pops items from `Link`, works on them, and records them.
template <class Link>
class Consumer {
 public:
  /// Items that were intended before `measure_from_ns` are consumed but not recorded.
  Consumer(Link& link, Work& work, record::Recorder& recorder,
           platform::Nanoseconds measure_from_ns)
      : link_(link), work_(work), recorder_(recorder), measure_from_ns_(measure_from_ns) {}

  /// Consumes until the link is closed and empty.
  void run() {
    Item item;
    while (pop(item)) {
      const platform::Nanoseconds popped_ns = platform::now_ns();
      platform::Nanoseconds done_ns = popped_ns;
      if (!work_.empty()) {  // without work there is no service time, and no second clock read
        work_.run();
        done_ns = platform::now_ns();
      }
      if (item.intended_ns >= measure_from_ns_) {
        recorder_.record({.intended_ns = item.intended_ns,
                          .created_ns = item.created_ns,
                          .pushed_ns = item.pushed_ns,
                          .popped_ns = popped_ns,
                          .done_ns = done_ns});
      }
    }
  }

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

  Link& link_;
  Work& work_;
  record::Recorder& recorder_;
  platform::Nanoseconds measure_from_ns_;
  typename Link::Waiter waiter_;
};

}  // namespace pipelab::pipeline
