#pragma once

#include <mutex>

#include "platform/clock.hpp"
#include "threads/waker.hpp"
#include "workloads/ingress/executor.hpp"
#include "workloads/ingress/task.hpp"

namespace pipelab::ingress {

// A handover is how a producer's tasks come to be run:
//
//     hand_over(task, pause)  pausing between the two steps of a push, where it has two
//     wake()                  the loop, if it sleeps; when the task was published, if that is known
//     leave()                 wakes the loop when the producer has left

/// Through a queue, to the loop.
template <class Queue>
class QueueHandover {
 public:
  QueueHandover(Queue& queue, std::size_t which, threads::Waker& waker, bool wakes)
      : producer_(queue.producer(which)), waker_(waker), wakes_(wakes) {}

  template <class Pause>
  bool hand_over(const Task& task, Pause pause) {
    if constexpr (requires { producer_.try_push(task, pause); }) {
      return producer_.try_push(task, pause);
    } else {
      pause();
      return producer_.try_push(task);
    }
  }

  /// Returns when the task was published: before a system call, or else when this is over.
  platform::Nanoseconds wake() {
    platform::Nanoseconds published_ns = 0;
    if (wakes_) {
      published_ns = waker_.asleep() ? platform::now_ns() : 0;
      waker_.wake();
    }
    return published_ns;
  }

  void leave() { waker_.wake(); }

 private:
  typename Queue::Producer producer_;
  threads::Waker& waker_;
  bool wakes_;
};

/// To nobody: the producer runs the task itself, when no other does.
class DirectHandover {
 public:
  DirectHandover(std::mutex& mutex, Executor& executor, threads::Waker& waker)
      : mutex_(mutex), executor_(executor), waker_(waker) {}

  template <class Pause>
  bool hand_over(const Task& task, Pause /*pause*/) {
    const std::lock_guard lock(mutex_);
    executor_.run(task, task.submitted_ns);
    return true;
  }

  platform::Nanoseconds wake() noexcept { return 0; }
  void leave() { waker_.wake(); }

 private:
  std::mutex& mutex_;
  Executor& executor_;
  threads::Waker& waker_;
};

}  // namespace pipelab::ingress
