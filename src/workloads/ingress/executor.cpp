#include "workloads/ingress/executor.hpp"

#include <fmt/format.h>

#include <cmath>
#include <stdexcept>

namespace pipelab::ingress {
namespace {

/// What a task throws.
struct TaskFailed {};

}  // namespace

Executor::Executor(const Options& options, Seats& seats, Recorder& recorder,
                   const std::atomic<bool>& stop)
    : options_(options),
      seats_(seats),
      recorder_(recorder),
      stop_(stop),
      due_(options.producers),
      tasks_(options.producers) {}

void Executor::measure_from(platform::Nanoseconds begin_ns) noexcept {
  begin_ns_ = begin_ns;
  if (options_.fault && options_.fault->what == Fault::What::kLoop) {
    stall_ns_ = begin_ns + std::llround(options_.fault->at_s * 1e9);
  }
}

platform::Nanoseconds Executor::run(const Task& task, platform::Nanoseconds noticed_ns) {
  const platform::Nanoseconds started_ns = platform::now_ns();
  check(task);
  // Relaxed: the flag carries nothing with it.
  const bool counts = !stop_.load(std::memory_order_relaxed);
  platform::Nanoseconds done_ns = started_ns;
  try {
    done_ns = counts ? perform(task, started_ns) : started_ns;
  } catch (const TaskFailed&) {
    ++thrown_;  // the loop goes on
  }
  Seat& seat = seats_[task.producer];
  if (task.measured && counts) {
    ++tasks_[task.producer];
    waited_ns_ += started_ns - task.submitted_ns;
    recorder_.record(
        {.intended_ns = task.intended_ns,
         .submitted_ns = task.submitted_ns,
         .published_ns = recorder_.keeps_next()
                             ? seat.published_ns(task.number, task.submitted_ns, started_ns)
                             : 0,
         .noticed_ns = noticed_ns,
         .started_ns = started_ns,
         .done_ns = done_ns});
  }
  ++due_[task.producer];
  seat.finish(task.number);
  return done_ns;
}

void Executor::check(const Task& task) const {
  const std::uint64_t due = due_[task.producer];
  if (task.number != due) {
    throw std::logic_error(fmt::format("task {} of producer-{} came when {} was due", task.number,
                                       task.producer, due));
  }
  if (due_[task.seen] < task.seen_number) {
    throw std::logic_error(fmt::format(
        "task {} of producer-{} came before task {} of producer-{}, which was handed over first",
        task.number, task.producer, due_[task.seen], task.seen));
  }
}

platform::Nanoseconds Executor::perform(const Task& task, platform::Nanoseconds started_ns) {
  if (started_ns >= stall_ns_) {
    while (!seats_.closed() && !stop_) {
      platform::sleep_for(1'000'000, stop_);
    }
  }
  if (options_.throw_every > 0 && (task.number + 1) % options_.throw_every == 0) {
    throw TaskFailed{};
  }
  if (options_.task_ns == 0) {
    return started_ns;  // no second clock read
  }
  platform::Nanoseconds now_ns = platform::now_ns();
  while (now_ns < started_ns + options_.task_ns) {
    now_ns = platform::now_ns();
  }
  return now_ns;
}

}  // namespace pipelab::ingress
