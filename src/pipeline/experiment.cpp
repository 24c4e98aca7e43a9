#include "pipeline/experiment.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <exception>
#include <stdexcept>
#include <thread>
#include <type_traits>
#include <variant>

#include "pipeline/consumer.hpp"
#include "pipeline/link.hpp"
#include "pipeline/work.hpp"

namespace pipelab::pipeline {
namespace {

using platform::Nanoseconds;

template <class T>
using Type = std::type_identity<T>;
template <auto kValue>
using Constant = std::integral_constant<decltype(kValue), kValue>;

// These turn options into types, so that the loops are compiled for each choice.

template <template <Wait> class Link>
using LinkTypes = std::variant<Type<Link<Wait::kSpin>>, Type<Link<Wait::kYield>>,
                               Type<Link<Wait::kFutex>>, Type<Link<Wait::kHybrid>>>;

template <template <Wait> class Link>
LinkTypes<Link> link_type(Wait wait) {
  switch (wait) {
    case Wait::kSpin:
      return Type<Link<Wait::kSpin>>{};
    case Wait::kYield:
      return Type<Link<Wait::kYield>>{};
    case Wait::kFutex:
      return Type<Link<Wait::kFutex>>{};
    case Wait::kHybrid:
      return Type<Link<Wait::kHybrid>>{};
  }
  throw std::logic_error("an unknown way to wait");
}

std::variant<Type<Unpaced>, Type<DeadlinePacing>, Type<SleepPacing>> pacing_type(
    const Options& options) {
  if (options.prod_interval_us == 0) {
    return Type<Unpaced>{};
  }
  if (options.pacing == Pacing::kSleep) {
    return Type<SleepPacing>{};
  }
  return Type<DeadlinePacing>{};
}

std::variant<Constant<OnFull::kDrop>, Constant<OnFull::kBlock>> on_full_constant(
    const Options& options) {
  if (options.on_full == OnFull::kDrop) {
    return Constant<OnFull::kDrop>{};
  }
  return Constant<OnFull::kBlock>{};
}

/// A thread whose exception its starter gets.
class Worker {
 public:
  template <class Body>
  Worker(std::optional<int> cpu, Body body)
      : thread_([this, cpu, body]() mutable {
          try {
            if (cpu) {
              platform::pin_this_thread(*cpu);
            }
            body();
          } catch (...) {
            error_ = std::current_exception();
          }
        }) {}

  /// Waits for its end and throws what it threw.
  void join() {
    thread_.join();
    if (error_) {
      std::rethrow_exception(error_);
    }
  }

 private:
  std::exception_ptr error_;
  std::jthread thread_;  // last: it starts when all else is there
};

Nanoseconds to_ns(double seconds) {
  return std::llround(seconds * static_cast<double>(platform::kNanosecondsPerSecond));
}

/// When the phases of a run begin and end.
struct Schedule {
  Nanoseconds warm_up_ns;  ///< the first item
  Nanoseconds measure_ns;  ///< the first measured item
  Nanoseconds end_ns;
};

Schedule schedule_from_now(const Options& options) {
  // Time for both threads to start, to move to their CPUs, and to go to sleep.
  constexpr Nanoseconds kSettleNs = 5'000'000;
  const Nanoseconds warm_up_ns = platform::now_ns() + kSettleNs;
  const Nanoseconds measure_ns = warm_up_ns + to_ns(options.warmup_s);
  return {.warm_up_ns = warm_up_ns,
          .measure_ns = measure_ns,
          .end_ns = measure_ns + to_ns(options.duration_s)};
}

/// The producer thread's part of a run.
template <class Link>
Production produce(Link& link, const Options& options, const Schedule& schedule,
                   const std::atomic<bool>& stop) {
  const auto produce_as = [&]<class Pacing, OnFull kOnFull>(Type<Pacing> /*pacing*/,
                                                            Constant<kOnFull> /*on_full*/) {
    Producer<Link, Pacing, kOnFull> producer(
        link, options.prod_interval_us * platform::kNanosecondsPerMicrosecond, stop);
    static_cast<void>(
        producer.run({.begin_ns = schedule.warm_up_ns, .end_ns = schedule.measure_ns}));
    return producer.run({.begin_ns = schedule.measure_ns, .end_ns = schedule.end_ns});
  };
  return std::visit(produce_as, pacing_type(options), on_full_constant(options));
}

template <class Link>
Outcome run_over(const Options& options, record::Recorder& recorder,
                 const std::atomic<bool>& stop) {
  Link link(options.queue_cap);
  Work work(options.work_bytes, options.seed);
  const Schedule schedule = schedule_from_now(options);
  Production production;
  Worker consumer(options.pin_consumer,
                  [&] { Consumer<Link>(link, work, recorder, schedule.measure_ns).run(); });
  Worker producer(options.pin_producer,
                  [&] { production = produce(link, options, schedule, stop); });
  std::exception_ptr producer_error;
  try {
    producer.join();
  } catch (...) {
    producer_error = std::current_exception();
  }
  link.close();  // also after an error: the consumer must not wait for ever
  consumer.join();
  if (producer_error) {
    std::rethrow_exception(producer_error);
  }
  const Nanoseconds produced_until_ns = std::min(schedule.end_ns, platform::now_ns());
  return {.production = production,
          .begin_ns = schedule.measure_ns,
          .elapsed_ns = std::max(produced_until_ns, recorder.last_done_ns()) - schedule.measure_ns};
}

}  // namespace

Outcome run(const Options& options, record::Recorder& recorder, const std::atomic<bool>& stop) {
  const auto run_as = [&]<class Link>(Type<Link> /*link*/) {
    return run_over<Link>(options, recorder, stop);
  };
  const Outcome outcome = options.queue == Queue::kMutex
                              ? std::visit(run_as, link_type<MutexLink>(options.wait))
                              : std::visit(run_as, link_type<RingLink>(options.wait));
  const auto& [produced, dropped] = outcome.production;
  if (recorder.items() + dropped != produced) {
    throw std::logic_error(fmt::format("{} items were produced, but {} consumed and {} dropped",
                                       produced, recorder.items(), dropped));
  }
  return outcome;
}

}  // namespace pipelab::pipeline
