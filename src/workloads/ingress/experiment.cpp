#include "workloads/ingress/experiment.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <deque>
#include <functional>
#include <mutex>
#include <numeric>
#include <stdexcept>
#include <string>
#include <utility>

#include "load/phases.hpp"
#include "queue/chunk_queue.hpp"
#include "queue/lanes.hpp"
#include "queue/mpsc_list.hpp"
#include "queue/mpsc_ring.hpp"
#include "queue/swap_queue.hpp"
#include "threads/crew.hpp"
#include "threads/waker.hpp"
#include "threads/watchdog.hpp"
#include "workloads/ingress/executor.hpp"
#include "workloads/ingress/handover.hpp"
#include "workloads/ingress/seats.hpp"

namespace pipelab::ingress {
namespace {

using platform::Nanoseconds;
using threads::Crew;

/// Producers, and the loop unless they run their tasks themselves.
class Experiment {
 public:
  Experiment(const Kit& kit, const Options& options, Recorder& recorder, std::atomic<bool>& stop)
      : kit_(kit),
        options_(options),
        recorder_(recorder),
        stop_(stop),
        seats_(options),
        waker_(options.wake, !options.no_elision),
        executor_(options, seats_, recorder, stop) {}

  template <queue::Mpsc Queue>
  Measured through_queue() {
    Queue queue(options_.producers, options_.share());
    Crew crew(kit_.threads, stop_);
    add_loop(crew, [this, &queue] {
      EventLoop<Queue>(options_, queue, seats_, waker_, executor_, measured_.turns).run();
    });
    const bool wakes = options_.consumer != Consumer::kSpin;
    Measured measured = run(
        crew, [&](std::size_t which) { return QueueHandover<Queue>(queue, which, waker_, wakes); });
    measured.queue_bytes = queue.bytes();
    return measured;
  }

  Measured directly() {
    std::mutex mutex;
    Crew crew(kit_.threads, stop_);
    add_loop(crew, [this] {  // which has nothing to run
      while (!seats_.all_left()) {
        waker_.sleep([this] { return seats_.all_left(); });
      }
    });
    return run(crew,
               [&](std::size_t /*which*/) { return DirectHandover(mutex, executor_, waker_); });
  }

 private:
  /// Adds the producers to the crew, and does the run.
  template <class MakeHandover>
  Measured run(Crew& crew, const MakeHandover& make_handover) {
    for (std::size_t which = 0; which < options_.producers; ++which) {
      add_producer(crew, which, make_handover);
    }
    crew.wait_until_ready();
    phases_ = load::phases_from_now(kit_.load, options_.producers + 1);
    executor_.measure_from(phases_.measured.begin_ns);
    recorder_.begin(phases_.measured.begin_ns);
    std::string stall;
    {
      const threads::Watchdog watchdog(
          static_cast<Nanoseconds>(options_.watchdog_ms) * 1'000'000,
          [this] { return seats_.progress(); },
          [&] {
            stall = seats_.stall(waker_.asleep());
            close();
          });
      crew.start(phases_.quiet_ns, phases_.measured.begin_ns);
      measured_.threads = crew.join();
    }
    if (!stall.empty()) {
      throw std::runtime_error(
          fmt::format("nothing went on for {} ms: {}: give a longer "
                      "--watchdog-ms if that is how it should be",
                      options_.watchdog_ms, stall));
    }
    collect();
    return std::move(measured_);
  }

  void add_loop(Crew& crew, std::function<void()> body) {
    crew.add({.name = "loop",
              .role = "loop",
              .cpu = options_.loop.pin,
              .scheduling = options_.loop.scheduling},
             [this, body = std::move(body)](const Crew::Ready& ready) {
               if (ready()) {
                 close_on_failure(body);
               }
             });
  }

  template <class MakeHandover>
  void add_producer(Crew& crew, std::size_t which, const MakeHandover& make_handover) {
    Submitted& submitted = submitted_.emplace_back(options_, kit_.intervals());
    crew.add({.name = fmt::format("producer-{}", which),
              .role = "producer",
              .cpu = options_.producer.pin,
              .scheduling = options_.producer.scheduling},
             [this, which, &submitted, make_handover](const Crew::Ready& ready) {
               Producer producer(kit_, options_, which, make_handover(which), seats_, stop_,
                                 submitted);
               if (ready()) {
                 close_on_failure([&] { producer.run(phases_); });
               }
             });
  }

  /// Lets nobody wait for a thread that has failed.
  template <class Body>
  void close_on_failure(const Body& body) {
    try {
      body();
    } catch (...) {
      close();
      throw;
    }
  }

  void close() {
    seats_.close();
    waker_.wake();
  }

  /// Puts together what the threads know.
  void collect() {
    Submitted& all = measured_.submitted;
    std::uint64_t done = 0;
    for (std::size_t which = 0; which < submitted_.size(); ++which) {
      const Submitted& own = submitted_[which];
      all.all += own.all;
      all.measured += own.measured;
      all.dropped += own.dropped;
      all.drops.merge(own.drops);
      all.missed += own.missed;
      all.submit.merge(own.submit);
      if (all.burst) {
        all.burst->merge(*own.burst);
      }
      done += seats_[which].done();
    }
    if (!stop_ && (done != all.all || recorder_.items() != all.measured)) {
      throw std::logic_error(
          fmt::format("{} tasks were submitted, {} of them measured, but {} and "
                      "{} were done",
                      all.all, all.measured, done, recorder_.items()));
    }
    measured_.waited_ns = executor_.waited_ns();
    measured_.thrown = executor_.thrown();
    measured_.wakes = waker_.wakes();
    measured_.sleeps = waker_.sleeps();
    measured_.tasks = executor_.tasks();
    measured_.begin_ns = phases_.measured.begin_ns;
    const Nanoseconds end_ns = std::min(phases_.measured.end_ns, platform::now_ns());
    measured_.elapsed_ns =
        std::max({end_ns, recorder_.last_done_ns(), measured_.begin_ns}) - measured_.begin_ns;
  }

  const Kit& kit_;
  const Options& options_;
  Recorder& recorder_;
  std::atomic<bool>& stop_;
  Seats seats_;
  threads::Waker waker_;
  Executor executor_;
  std::deque<Submitted> submitted_;  // by each producer
  load::Phases phases_{};
  Measured measured_{options_, kit_.intervals()};
};

}  // namespace

Measured measure(const Kit& kit, const Options& options, Recorder& recorder,
                 std::atomic<bool>& stop) {
  using queue::Popping;
  Experiment experiment(kit, options, recorder, stop);
  switch (options.queue) {
    case Queue::kList:
      switch (options.nodes) {
        case Nodes::kSlab:
          return experiment.through_queue<queue::MpscList<Task, queue::SlabNodes>>();
        case Nodes::kMalloc:
          return experiment.through_queue<queue::MpscList<Task, queue::HeapNodes>>();
        case Nodes::kIntrusive:
          return experiment.through_queue<queue::MpscList<Task, queue::OwnNodes>>();
      }
      break;
    case Queue::kMutexSwap:
      return experiment.through_queue<queue::SwapQueue<Task>>();
    case Queue::kMutexChunk:
      return experiment.through_queue<queue::ChunkQueue<Task, Popping::kUnderLock>>();
    case Queue::kMutexDetach:
      return experiment.through_queue<queue::ChunkQueue<Task, Popping::kDetached>>();
    case Queue::kRing:
      return experiment.through_queue<queue::MpscRing<Task>>();
    case Queue::kLanes:
      return experiment.through_queue<queue::Lanes<Task>>();
    case Queue::kDirect:
      return experiment.directly();
  }
  throw std::logic_error("there is no such queue");
}

}  // namespace pipelab::ingress
