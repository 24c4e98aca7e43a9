#include "workloads/pipeline/experiment.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>

#include "channel/with_link.hpp"
#include "load/pacing.hpp"
#include "load/phases.hpp"
#include "workloads/pipeline/consumer.hpp"
#include "workloads/pipeline/item.hpp"

namespace pipelab::pipeline {
namespace {

using platform::Nanoseconds;
using threads::Crew;

/// The producer thread's part of a run.
template <class Pacing, class Link>
void produce(Link& link, const Kit& kit, const Options& options, const load::Phases& phases,
             const std::atomic<bool>& stop, const Crew::Ready& ready, Measured& measured) {
  Producer<Link, Pacing> producer(link, kit.load, options.channel, stop, kit.intervals());
  if (!ready()) {
    return;
  }
  static_cast<void>(producer.run(phases.warm_up));
  measured.production = producer.run(phases.measured);
  measured.production.missed = producer.missed();
  measured.drops = producer.drops();
}

/// The consumer thread's part. Returns how many items came torn, twice or out of order.
template <class Link>
std::uint64_t consume(Link& link, const load::Options& load, const Options& options,
                      const load::Phases& phases, std::atomic<bool>& stop, const Crew::Ready& ready,
                      Recorder& recorder) {
  Consumer<Link> consumer(link, options, load.seed, recorder);
  if (!ready()) {
    return 0;
  }
  try {
    consumer.run(phases.measured.begin_ns);
  } catch (...) {
    stop = true;
    consumer.drain();
    throw;
  }
  return consumer.faults();
}

template <class Link>
Measured measure_over(Link& link, const Kit& kit, const Options& options, Recorder& recorder,
                      std::atomic<bool>& stop) {
  load::Phases phases{};
  Measured measured{};
  std::uint64_t faults = 0;
  Crew crew(kit.threads, stop);
  crew.add({.name = "consumer",
            .role = "consumer",
            .cpu = options.consumer.pin,
            .scheduling = options.consumer.scheduling},
           [&](const Crew::Ready& ready) {
             faults = consume(link, kit.load, options, phases, stop, ready, recorder);
           });
  crew.add(
      {.name = "producer",
       .role = "producer",
       .cpu = options.producer.pin,
       .scheduling = options.producer.scheduling},
      [&](const Crew::Ready& ready) {
        const auto part = kit.load.pattern          ? produce<load::Patterned, Link>
                          : kit.load.has_schedule() ? produce<load::Paced, Link>
                                                    : produce<load::Unpaced, Link>;
        part(link, kit, options, phases, stop, ready, measured);
      },
      [&link] { link.close(); });
  crew.wait_until_ready();
  phases = load::phases_from_now(kit.load);
  recorder.begin(phases.measured.begin_ns);
  crew.start(phases.quiet_ns, phases.measured.begin_ns);
  measured.threads = crew.join();
  if (faults > 0) {
    throw std::logic_error(fmt::format("{} items came torn, twice or out of order", faults));
  }
  const Nanoseconds begin_ns = measured.begin_ns = phases.measured.begin_ns;
  const Nanoseconds produced_until_ns = std::min(phases.measured.end_ns, platform::now_ns());
  measured.elapsed_ns = std::max({produced_until_ns, recorder.last_done_ns(), begin_ns}) - begin_ns;
  measured.wake_ups = link.wake_ups();
  return measured;
}

}  // namespace

Measured measure(const Kit& kit, const Options& options, Recorder& recorder,
                 std::atomic<bool>& stop) {
  Measured measured = channel::with_link<Item>(options.channel, [&](auto& link) {
    return measure_over(link, kit, options, recorder, stop);
  });
  const Production& production = measured.production;
  if (recorder.items() + production.dropped != production.produced) {
    throw std::logic_error(fmt::format("{} items were produced, but {} consumed and {} dropped",
                                       production.produced, recorder.items(), production.dropped));
  }
  return measured;
}

}  // namespace pipelab::pipeline
