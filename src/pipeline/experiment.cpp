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

// Each of these turns an option into a type, so that the loops below are compiled for it.

std::variant<Type<RingLink<false>>, Type<RingLink<true>>, Type<MutexLink>> link_type(
    const Options& options) {
  if (options.queue == Queue::kMutex) {
    return Type<MutexLink>{};
  }
  if (options.wait == Wait::kFutex || options.wait == Wait::kHybrid) {
    return Type<RingLink<true>>{};
  }
  return Type<RingLink<false>>{};
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

std::variant<Constant<Wait::kSpin>, Constant<Wait::kYield>, Constant<Wait::kFutex>,
             Constant<Wait::kHybrid>>
wait_constant(const Options& options) {
  switch (options.wait) {
    case Wait::kSpin:
      return Constant<Wait::kSpin>{};
    case Wait::kYield:
      return Constant<Wait::kYield>{};
    case Wait::kFutex:
      return Constant<Wait::kFutex>{};
    case Wait::kHybrid:
      return Constant<Wait::kHybrid>{};
  }
  throw std::logic_error("an unknown way to wait");
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

template <class Link, class Pacing, OnFull kOnFull, Wait kWait>
Outcome run_as(const Options& options, record::Recorder& recorder, const std::atomic<bool>& stop) {
  // Time for both threads to start, to move to their CPUs, and to go to sleep.
  constexpr Nanoseconds kSettleNs = 5'000'000;
  Link link(options.queue_cap);
  Work work(options.work_bytes, options.seed);
  Production production;
  const Nanoseconds warm_ns = platform::now_ns() + kSettleNs;
  const Nanoseconds begin_ns = warm_ns + to_ns(options.warmup_s);
  const Nanoseconds end_ns = begin_ns + to_ns(options.duration_s);

  Worker consumer(options.pin_consumer,
                  [&] { Consumer<Link, kWait>(link, work, recorder, begin_ns).run(); });
  Worker producer(options.pin_producer, [&] {
    Producer<Link, Pacing, kOnFull, kWait> loop(
        link, options.prod_interval_us * platform::kNanosecondsPerMicrosecond, stop);
    static_cast<void>(loop.run(warm_ns, begin_ns));
    production = loop.run(begin_ns, end_ns);
  });
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
  return {.production = production,
          .begin_ns = begin_ns,
          .elapsed_ns =
              std::max(std::min(end_ns, platform::now_ns()), recorder.last_done_ns()) - begin_ns};
}

}  // namespace

Outcome run(const Options& options, record::Recorder& recorder, const std::atomic<bool>& stop) {
  const Outcome outcome = std::visit(
      [&]<class Link, class Pacing, OnFull kOnFull, Wait kWait>(
          Type<Link> /*link*/, Type<Pacing> /*pacing*/, Constant<kOnFull> /*on_full*/,
          Constant<kWait> /*wait*/) {
        return run_as<Link, Pacing, kOnFull, kWait>(options, recorder, stop);
      },
      link_type(options), pacing_type(options), on_full_constant(options), wait_constant(options));
  const auto& [produced, dropped] = outcome.production;
  if (recorder.items() + dropped != produced) {
    throw std::logic_error(fmt::format("{} items were produced, but {} consumed and {} dropped",
                                       produced, recorder.items(), dropped));
  }
  return outcome;
}

}  // namespace pipelab::pipeline
