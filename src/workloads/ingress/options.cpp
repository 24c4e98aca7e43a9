#include "workloads/ingress/options.hpp"

#include <fmt/format.h>

#include <utility>

#include "threads/options.hpp"

namespace pipelab::ingress {

void add_options(cli::Options& all, Options& options) {
  constexpr std::size_t kMost = std::size_t{1} << 20U;
  all.add_number<std::size_t>("--producers", options.producers, 1, 64,
                              "threads that hand tasks to the loop");
  all.add_choice<Queue>("--queue", options.queue,
                        {{"list", Queue::kList},
                         {"mutex-swap", Queue::kMutexSwap},
                         {"mutex-chunk", Queue::kMutexChunk},
                         {"mutex-detach", Queue::kMutexDetach},
                         {"ring", Queue::kRing},
                         {"lanes", Queue::kLanes},
                         {"direct", Queue::kDirect}},
                        "what tasks are handed over in: an exchange-based list; under a mutex a "
                        "vector that is swapped, or chunks that are popped under it or detached; a "
                        "ring of tickets; a ring each; or nothing: producers run tasks themselves, "
                        "under a lock");
  all.add_choice<Nodes>(
      "--nodes", options.nodes,
      {{"slab", Nodes::kSlab}, {"malloc", Nodes::kMalloc}, {"intrusive", Nodes::kIntrusive}},
      "where a list's nodes come from: a slab each, malloc, or the producer's own objects");
  all.add_number<std::size_t>("--bound", options.bound, 1, kMost,
                              "tasks that are submitted and not done: each producer has its share");
  all.add_choice<OnFull>("--on-full", options.on_full,
                         {{"block", OnFull::kBlock}, {"drop", OnFull::kDrop}},
                         "what a producer does whose share is used up");
  all.add_number<std::size_t>("--budget", options.budget, 1, kMost, "tasks a turn of the loop");
  all.add_number<std::size_t>(
      "--burst", options.burst, 0, kMost,
      "tasks that a producer submits before it waits until they are done: a "
      "closed loop; 0: an open one");
  all.add_number<std::int64_t>("--pause-us", options.pause_us, 0, 60'000'000,
                               "that a producer sleeps after each burst", {.unit = "us"});
  all.add_number<std::int64_t>("--task-ns", options.task_ns, 0, 1'000'000'000,
                               "that a task keeps its thread busy", {.unit = "ns"});
  all.add_number<std::size_t>("--throw-every", options.throw_every, 0, 1'000'000'000,
                              "of so many tasks of a producer one throws; 0: none");
  all.add_choice<Consumer>(
      "--consumer", options.consumer,
      {{"spin", Consumer::kSpin}, {"park", Consumer::kPark}, {"hybrid", Consumer::kHybrid}},
      "what the loop does when there are no tasks: spin, sleep, or one after the other",
      {.means = "waiting"});
  all.add_choice<WakeBy>("--wake", options.wake,
                         {{"futex", WakeBy::kFutex},
                          {"eventfd", WakeBy::kEventfd},
                          {"pipe", WakeBy::kPipe},
                          {"epoll", WakeBy::kEpoll},
                          {"condvar", WakeBy::kCondvar}},
                         "what it sleeps in");
  all.add_flag("--no-elision", options.no_elision,
               "wake the loop at each submit, also when it is awake");
  all.add_choice<Order>("--order", options.order,
                        {{"producer", Order::kProducer}, {"global", Order::kGlobal}},
                        "what is checked: each producer's order, or that of all as well");
  all.add_number<std::size_t>("--watchdog-ms", options.watchdog_ms, 10, 600'000,
                              "without progress, until the run ends with a reason", {.unit = "ms"});
  all.add_value({.name = "--fault",
                 .type = "word",
                 .form = "stall-producer|stall-loop@S",
                 .valid = "stall-producer@S or stall-loop@S, S seconds after the begin, from 0 to "
                          "86400",
                 .help = "who stalls in the middle of the run: a producer, within a push, or the "
                         "loop, within a task"},
                options.fault, to_fault);
  all.add_cpu("--pin-producer", options.pin_producer, "CPU that the producers run on",
              {.means = "pin", .role = "producer"});
  all.add_cpu("--pin-loop", options.pin_loop, "CPU that the loop runs on",
              {.means = "pin", .role = "loop"});
  threads::add_scheduling(all, "producer", options.sched_producer);
  threads::add_scheduling(all, "loop", options.sched_loop);
}

std::string conflict(const Options& options, const Kit& kit) {
  if (std::string refused = threads::conflict(
          kit.threads.scheduling, {{"producer", options.sched_producer, options.pin_producer},
                                   {"loop", options.sched_loop, options.pin_loop}});
      !refused.empty()) {
    return refused;
  }
  const Options standard;
  const bool direct = options.queue == Queue::kDirect;
  if (options.nodes != standard.nodes && options.queue != Queue::kList) {
    return "--nodes: only a list has nodes: leave it out";
  }
  if (direct && (options.budget != standard.budget || options.consumer != standard.consumer ||
                 options.wake != standard.wake || options.no_elision || options.fault ||
                 options.pin_loop || options.sched_loop)) {
    return "--queue: 'direct' has no loop: leave out --budget, --consumer, --wake, --no-elision, "
           "--fault, --pin-loop and --sched-loop";
  }
  if (options.consumer == Consumer::kSpin &&
      (options.wake != standard.wake || options.no_elision)) {
    return "--wake: a loop that spins is not woken: leave out --wake and --no-elision";
  }
  if (options.order == Order::kGlobal && options.queue == Queue::kLanes) {
    return "--order: lanes keep each producer's order only: give another --queue";
  }
  if (options.bound < options.producers) {
    return fmt::format("--bound: '{}' is less than one task a producer: give at least {}",
                       options.bound, options.producers);
  }
  if (options.burst > 0 && kit.load.has_schedule()) {
    return "--burst: who waits for its tasks has no schedule: give --prod-interval-us 0 and no "
           "--arrival";
  }
  if (options.pause_us > 0 && options.burst == 0) {
    return "--pause-us: only between bursts is there a pause: give --burst as well";
  }
  if (options.fault && options.fault->who == Fault::Who::kLoop &&
      options.on_full == OnFull::kBlock && options.burst > options.share()) {
    return fmt::format(
        "--burst: without the loop, '{}' tasks never fit a producer's share of the bound: give at "
        "most {}, or --on-full drop",
        options.burst, options.share());
  }
  return {};
}

std::optional<Fault> to_fault(std::string_view text) {
  constexpr double kMostSeconds = 86'400;
  for (const auto& [word, who] : {std::pair{"stall-producer@", Fault::Who::kProducer},
                                  std::pair{"stall-loop@", Fault::Who::kLoop}}) {
    if (text.starts_with(word)) {
      const std::optional<double> at_s =
          cli::to_number<double>(text.substr(std::string_view(word).size()));
      return at_s && *at_s >= 0 && *at_s <= kMostSeconds
                 ? std::optional(Fault{.who = who, .at_s = *at_s})
                 : std::nullopt;
    }
  }
  return std::nullopt;
}

}  // namespace pipelab::ingress
