#include "workloads/ingress/options.hpp"

#include <fmt/format.h>

#include "load/fault.hpp"
#include "threads/options.hpp"

namespace pipelab::ingress {

void add_options(cli::Options& all, Options& options) {
  constexpr std::size_t kMost = std::size_t{1} << 20U;
  all.add_number<std::size_t>("--producers", options.producers, 1, 64,
                              "threads that hand tasks to the loop");
  all.add_choice<Queue>(
      "--queue", options.queue,
      {{"list", Queue::kList, "a linked list whose end is exchanged"},
       {"mutex-swap", Queue::kMutexSwap, "a vector under a mutex, taken whole"},
       {"mutex-chunk", Queue::kMutexChunk, "chunks of 128 under a mutex, popped one by one"},
       {"mutex-detach", Queue::kMutexDetach, "chunks that are taken whole"},
       {"ring", Queue::kRing, "a bounded ring of tickets"},
       {"lanes", Queue::kLanes, "a ring for each producer"},
       {"direct", Queue::kDirect, "none: producers run their tasks, under a lock"}},
      "what tasks are handed over in");
  all.add_choice<Nodes>("--nodes", options.nodes,
                        {{"slab", Nodes::kSlab, "a pool for each producer"},
                         {"malloc", Nodes::kMalloc, "one for each task"},
                         {"intrusive", Nodes::kIntrusive, "in the producer's own objects"}},
                        "where a list's nodes come from");
  all.add_number<std::size_t>(
      "--bound", options.bound, 1, kMost,
      "tasks that are submitted and not done, of all producers: each has an equal share");
  all.add_choice<OnFull>(
      "--on-full", options.on_full,
      {{"block", OnFull::kBlock, "waits"}, {"drop", OnFull::kDrop, "drops the task"}},
      "what a producer does whose share is used up");
  all.add_number<std::size_t>("--budget", options.budget, 1, kMost, "tasks a turn of the loop");
  all.add_number<std::size_t>(
      "--burst", options.burst, 0, kMost,
      "tasks that a producer submits before it waits until they are done, with "
      "--prod-interval-us 0: a closed loop; 0: an open one");
  all.add_number<std::int64_t>("--pause-us", options.pause_us, 0, 60'000'000,
                               "that a producer sleeps after each burst", {.unit = "us"});
  all.add_number<std::int64_t>("--task-ns", options.task_ns, 0, 1'000'000'000,
                               "that a task keeps its thread busy", {.unit = "ns"});
  all.add_number<std::size_t>("--throw-every", options.throw_every, 0, 1'000'000'000,
                              "of so many tasks of a producer one throws; 0: none");
  all.add_choice<Consumer>("--consumer", options.consumer,
                           {{"hybrid", Consumer::kHybrid,
                             "spin as many turns as were enough, yield 4 times, then sleep"},
                            {"park", Consumer::kPark, "sleep at once"},
                            {"spin", Consumer::kSpin, "stay on the CPU"}},
                           "what the loop does when there are no tasks", {.means = "waiting"});
  all.add_choice<WakeBy>("--wake", options.wake,
                         {{"futex", WakeBy::kFutex, "futex(2)"},
                          {"eventfd", WakeBy::kEventfd, "a read(2) of one"},
                          {"pipe", WakeBy::kPipe, "a read(2) of one"},
                          {"epoll", WakeBy::kEpoll, "an epoll_wait(2) on an eventfd"},
                          {"condvar", WakeBy::kCondvar, "a condition variable"}},
                         "what a loop that sleeps does that in");
  all.add_flag("--no-elision", options.no_elision,
               "wake the loop at each submit, also when it is awake");
  all.add_choice<Order>("--order", options.order,
                        {{"producer", Order::kProducer, "that of each producer"},
                         {"global", Order::kGlobal, "that of all as well"}},
                        "which order of tasks is checked");
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
  threads::add_roles(all, {{"producer", "the producers run", options.producer},
                           {"loop", "the loop runs", options.loop}});
}

std::string conflict(const Options& options, const Kit& kit) {
  if (std::string refused = threads::conflict(
          kit.threads.scheduling, {{"producer", options.producer}, {"loop", options.loop}});
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
                 options.loop.pin || options.loop.scheduling)) {
    return "--queue: 'direct' has no loop: leave out --budget, --consumer, --wake, --no-elision, "
           "--fault, --pin-loop and --sched-loop";
  }
  if (options.consumer == Consumer::kSpin &&
      (options.wake != standard.wake || options.no_elision)) {
    return fmt::format(
        "{}: a loop that spins is not woken: leave it out, or give another --consumer",
        options.no_elision ? "--no-elision" : "--wake");
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
           "--arrival or --pattern";
  }
  if (options.pause_us > 0 && options.burst == 0) {
    return "--pause-us: there are no bursts to pause between: give --burst as well";
  }
  if (options.on_full == OnFull::kBlock && options.burst > options.share()) {
    return fmt::format(
        "--burst: '{}' tasks are more than a producer's share of --bound, and it would wait within "
        "the burst: give at most {}, or --bound {}, or --on-full drop",
        options.burst, options.share(), options.burst * options.producers);
  }
  return load::conflict(options.fault, kit.load);
}

std::optional<Fault> to_fault(std::string_view text) {
  return load::to_fault<Fault>(
      text, {{"stall-producer", Fault::What::kProducer}, {"stall-loop", Fault::What::kLoop}});
}

}  // namespace pipelab::ingress
