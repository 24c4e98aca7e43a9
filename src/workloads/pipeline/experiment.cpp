#include "workloads/pipeline/experiment.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "channel/link.hpp"
#include "platform/marker.hpp"
#include "platform/memory.hpp"
#include "threads/worker.hpp"
#include "workloads/pipeline/consumer.hpp"

namespace pipelab::pipeline {
namespace {

using platform::Nanoseconds;

Nanoseconds to_ns(double seconds) {
  return std::llround(seconds * static_cast<double>(platform::kNanosecondsPerSecond));
}

/// When the phases of a run begin and end.
struct Schedule {
  load::Phase warm_up;
  Nanoseconds quiet_ns;  ///< between the phases: nothing is made, and the counters are read
  load::Phase measured;
};

Schedule schedule_from_now(const Options& options) {
  // Time for both threads to go to sleep, and later for reading the counters.
  constexpr Nanoseconds kSettleNs = 5'000'000;
  constexpr Nanoseconds kQuietNs = 10'000'000;
  const Nanoseconds begin_ns = platform::now_ns() + kSettleNs;
  const Nanoseconds warm_ns = begin_ns + to_ns(options.warmup_s);
  const Nanoseconds measure_ns = warm_ns + kQuietNs;
  const Nanoseconds end_ns = measure_ns + to_ns(options.duration_s);
  // No item of the warm-up is made after it; what is measured may take twice its time.
  return {.warm_up = {.begin_ns = begin_ns, .end_ns = warm_ns, .late_ns = warm_ns},
          .quiet_ns = warm_ns + kQuietNs / 2,
          .measured = {
              .begin_ns = measure_ns, .end_ns = end_ns, .late_ns = end_ns + (end_ns - measure_ns)}};
}

/// The producer thread's part of a run.
template <class Pacing, class Link>
void produce(Link& link, const Options& options, const Schedule& schedule,
             const std::atomic<bool>& stop, const threads::Worker::Ready& ready,
             Production& production) {
  Producer<Link, Pacing> producer(link, options, stop);
  if (!ready()) {
    return;
  }
  static_cast<void>(producer.run(schedule.warm_up));
  platform::begin_region<platform::kMeasuredRegion>();
  production = producer.run(schedule.measured);
  production.missed = producer.missed();
}

/// The consumer thread's part. Returns how many items came torn, twice or out of order.
template <class Link>
std::uint64_t consume(Link& link, const Options& options, const Schedule& schedule,
                      std::atomic<bool>& stop, const threads::Worker::Ready& ready,
                      record::Recorder& recorder) {
  Consumer<Link> consumer(link, options, recorder);
  if (!ready()) {
    return 0;
  }
  try {
    consumer.run(schedule.measured.begin_ns);
  } catch (...) {
    stop = true;
    consumer.drain();
    throw;
  }
  platform::end_region<platform::kMeasuredRegion>();
  return consumer.faults();
}

/// Ends the stream when it goes, so that a consumer that waits for items does, too.
template <class Link>
class Closer {
 public:
  explicit Closer(Link& link) : link_(link) {}
  Closer(const Closer&) = delete;
  Closer& operator=(const Closer&) = delete;
  Closer(Closer&&) = delete;
  Closer& operator=(Closer&&) = delete;
  ~Closer() { link_.close(); }

 private:
  Link& link_;
};

bool has_schedule(const Options& options) {
  return options.prod_interval_us > 0 ||
         options.arrival.pattern != load::Arrival::Pattern::kConstant;
}

template <class Link>
Outcome run_over(const Options& options, record::Recorder& recorder, std::atomic<bool>& stop) {
  platform::NodeMemory memory(options.numa_node);
  Link link(options, &memory);
  Schedule schedule{};
  Production production;
  std::uint64_t faults = 0;
  threads::StartGate gate;
  threads::Worker consuming(options, options.pin_consumer, gate, stop,
                            [&](const threads::Worker::Ready& ready) {
                              faults = consume(link, options, schedule, stop, ready, recorder);
                            });
  const Closer closer(link);  // before the consumer is waited for
  threads::Worker producing(
      options, options.pin_producer, gate, stop, [&](const threads::Worker::Ready& ready) {
        const auto part =
            has_schedule(options) ? produce<load::Paced, Link> : produce<load::Unpaced, Link>;
        part(link, options, schedule, stop, ready, production);
      });
  const pid_t consumer_id = consuming.wait_until_ready();
  const pid_t producer_id = producing.wait_until_ready();
  schedule = schedule_from_now(options);
  gate.open();

  platform::sleep_until(schedule.quiet_ns, stop);
  const platform::ThreadCounters producer_before = platform::read_thread_counters(producer_id);
  const platform::ThreadCounters consumer_before = platform::read_thread_counters(consumer_id);
  producing.join();
  link.close();
  consuming.join();
  if (faults > 0) {
    throw std::logic_error(fmt::format("{} items came torn, twice or out of order", faults));
  }
  const Nanoseconds begin_ns = schedule.measured.begin_ns;
  const Nanoseconds produced_until_ns = std::min(schedule.measured.end_ns, platform::now_ns());
  return {.production = production,
          .begin_ns = begin_ns,
          .elapsed_ns = std::max({produced_until_ns, recorder.last_done_ns(), begin_ns}) - begin_ns,
          .producer = producing.counters().since(producer_before),
          .consumer = consuming.counters().since(consumer_before),
          .wake_ups = link.wake_ups()};
}

/// Turns the options that choose a link into its type, so that the loops are compiled for each.
template <channel::Wait kWait>
Outcome run_with(const Options& options, record::Recorder& recorder, std::atomic<bool>& stop) {
  if (options.queue == channel::Queue::kMutex) {
    return run_over<channel::MutexLink<kWait>>(options, recorder, stop);
  }
  if (options.on_full == channel::OnFull::kOverwrite) {
    return run_over<channel::OverwriteLink<kWait>>(options, recorder, stop);
  }
  if (options.batch > 1) {
    return run_over<channel::RingLink<kWait, queue::Batched>>(options, recorder, stop);
  }
  return run_over<channel::RingLink<kWait, queue::Eager>>(options, recorder, stop);
}

Outcome run_waiting(const Options& options, record::Recorder& recorder, std::atomic<bool>& stop) {
  switch (options.wait) {
    case channel::Wait::kSpin:
      return run_with<channel::Wait::kSpin>(options, recorder, stop);
    case channel::Wait::kYield:
      return run_with<channel::Wait::kYield>(options, recorder, stop);
    case channel::Wait::kFutex:
      return run_with<channel::Wait::kFutex>(options, recorder, stop);
    case channel::Wait::kHybrid:
      return run_with<channel::Wait::kHybrid>(options, recorder, stop);
  }
  throw std::logic_error("an unknown way to wait");
}

/// About how many bytes the options need.
double memory_needed_bytes(const Options& options) {
  constexpr std::size_t kSlotBytes = 40;  // the largest of the queues'
  constexpr std::size_t kCacheLineBytes = 64;
  const auto slots = static_cast<double>(options.queue_cap + 2);
  const std::size_t lines = (options.item_bytes + kCacheLineBytes - 1) / kCacheLineBytes;
  const std::size_t samples = options.latencies_path.empty() ? 0 : options.max_samples;
  return slots * static_cast<double>(kSlotBytes + lines * kCacheLineBytes) +
         static_cast<double>(options.work_bytes) +
         static_cast<double>(samples) * sizeof(record::ItemTimes);
}

}  // namespace

void require_memory(const Options& options) {
  constexpr double kMegabyte = 1e6;
  const double needed = memory_needed_bytes(options) / kMegabyte;
  const double available = static_cast<double>(platform::available_memory_bytes()) / kMegabyte;
  if (needed > available) {
    throw std::runtime_error(fmt::format(
        "this needs {:.0f} MB of memory, but {:.0f} MB are free: give a smaller --queue-cap, "
        "--item-bytes, --work-bytes or --max-samples",
        needed, available));
  }
}

Outcome run(const Options& options, record::Recorder& recorder, std::atomic<bool>& stop) {
  if (options.mlock) {
    platform::lock_memory();
  }
  const Outcome outcome = run_waiting(options, recorder, stop);
  const Production& production = outcome.production;
  if (recorder.items() + production.dropped != production.produced) {
    throw std::logic_error(fmt::format("{} items were produced, but {} consumed and {} dropped",
                                       production.produced, recorder.items(), production.dropped));
  }
  return outcome;
}

}  // namespace pipelab::pipeline
