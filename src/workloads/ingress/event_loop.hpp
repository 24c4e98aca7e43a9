#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>

#include "platform/clock.hpp"
#include "platform/cpu.hpp"
#include "record/histogram.hpp"
#include "threads/hybrid.hpp"
#include "threads/waker.hpp"
#include "workloads/ingress/executor.hpp"
#include "workloads/ingress/options.hpp"
#include "workloads/ingress/seats.hpp"
#include "workloads/ingress/task.hpp"

namespace pipelab::ingress {

/// What the loop counted, of what is measured.
struct Turns {
  std::uint64_t turns{0};       ///< that ran a task
  std::uint64_t most_tasks{0};  ///< of one turn
  record::Histogram turn;       ///< how long each was: what others that wait for the loop wait
};

/// The thread side that runs what producers hand over through `Queue`, some tasks a turn.
template <class Queue>
class EventLoop {
 public:
  EventLoop(const Options& options, Queue& queue, Seats& seats, threads::Waker& waker,
            Executor& executor, Turns& turns)
      : options_(options),
        queue_(queue),
        seats_(seats),
        waker_(waker),
        executor_(executor),
        turns_(turns),
        producers_wait_(options.on_full == OnFull::kBlock || options.burst > 0 ? 1 : 0) {}

  /// Runs tasks until all producers have left, and none is there.
  void run() {
    Task task;
    while (true) {
      const bool last = seats_.all_left();  // before it looks
      if (queue_.try_pop(task)) {
        hybrid_.reset();
        take_turn(task);
      } else if (last) {
        return;
      } else {
        wait();
      }
    }
  }

 private:
  void take_turn(Task& task) {
    const platform::Nanoseconds noticed_ns = platform::now_ns();
    platform::Nanoseconds done_ns = 0;
    std::uint64_t waiting = 0;  // a bit for each producer that may sleep until a task is done
    std::size_t tasks = 0;
    do {
      done_ns = executor_.run(task, noticed_ns);
      waiting |= producers_wait_ << task.producer;
    } while (++tasks < options_.budget && queue_.try_pop(task));
    for (; waiting != 0; waiting &= waiting - 1) {
      seats_[static_cast<std::size_t>(std::countr_zero(waiting))].wake();
    }
    if (executor_.measures(noticed_ns)) {
      ++turns_.turns;
      turns_.most_tasks = std::max<std::uint64_t>(turns_.most_tasks, tasks);
      turns_.turn.record(static_cast<std::uint64_t>(done_ns - noticed_ns));
    }
    waker_.poll();
  }

  void wait() {
    using Turn = threads::Hybrid::Turn;
    threads::spend(options_.consumer == Consumer::kSpin   ? Turn::kSpin
                   : options_.consumer == Consumer::kPark ? Turn::kPark
                                                          : hybrid_.next(),
                   [this] {
                     if (queue_.empty()) {
                       waker_.sleep([this] { return !queue_.empty() || seats_.all_left(); });
                     } else {
                       platform::spin_hint();  // a push is under way, whose producer has to go on
                     }
                   });
  }

  const Options& options_;
  Queue& queue_;
  Seats& seats_;
  threads::Waker& waker_;
  Executor& executor_;
  Turns& turns_;
  std::uint64_t producers_wait_;  ///< 1 where any may sleep until a task is done, else 0
  threads::Hybrid hybrid_;
};

}  // namespace pipelab::ingress
