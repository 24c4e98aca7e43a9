#include "workloads/feed/experiment.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <deque>
#include <functional>
#include <iterator>
#include <memory_resource>
#include <mutex>
#include <shared_mutex>
#include <stdexcept>
#include <utility>

#include "load/phases.hpp"
#include "platform/segment.hpp"
#include "threads/crew.hpp"
#include "threads/process.hpp"
#include "threads/warden.hpp"
#include "workloads/feed/cache.hpp"
#include "workloads/feed/client_loop.hpp"
#include "workloads/feed/rings.hpp"
#include "workloads/feed/server.hpp"
#include "workloads/feed/sockets.hpp"

namespace pipelab::feed {
namespace {

using platform::Nanoseconds;
using threads::Crew;

template <class Wire, class Cache>
class Experiment {
 public:
  Experiment(const Kit& kit, const Options& options, Recorder& recorder, std::atomic<bool>& stop)
      : kit_(kit),
        options_(options),
        recorder_(recorder),
        stop_(stop),
        segment_(shared_bytes(options), static_cast<std::uint32_t>(options.clients)),
        plan_(*std::pmr::polymorphic_allocator<>(&segment_).new_object<Plan>(options, segment_)),
        wire_(options, segment_) {}

  Measured measure() {
    std::deque<threads::Process> processes;  // the server's, and that of who takes its place
    for (const bool stands_by : {false, true}) {
      if (!stands_by || options_.has(Fault::What::kKill)) {
        processes.emplace_back([this, stands_by](const threads::Process::Parent& parent) {
          return serve(stands_by, parent);
        });
      }
    }
    std::deque<threads::Warden> wardens;  // whose threads may be there once all is forked
    for (const threads::Process& process : processes) {
      const bool is_last = &process == &processes.back();
      wardens.emplace_back(process, [this, is_last] {
        if (is_last) {
          gone_ = true;
          wire_.shut();
        }
      });
    }
    make_loops();
    std::optional<Display<Cache>> display;
    if (options_.display_ms) {
      display.emplace(loops_.front().first_cache(), options_.symbols,
                      *options_.display_ms * 1'000'000);
    }
    Crew crew(kit_.threads, stop_);
    add_threads(crew, display);
    crew.wait_until_ready();
    for (threads::Process& process : processes) {
      process.wait_until_ready();
    }
    const std::size_t threads = options_.client_loops + processes.size() + (display ? 1 : 0);
    const load::Phases phases = plan_.phases = load::phases_from_now(kit_.load, threads);
    for (std::size_t loop = 0; loop < options_.client_loops; ++loop) {
      recorder_of(loop).begin(phases.measured.begin_ns);
    }
    for (threads::Process& process : processes) {
      process.start();
    }
    crew.start(phases.quiet_ns, phases.measured.begin_ns);
    Measured measured;
    join(crew, processes, measured);
    collect(phases, measured);
    if (display) {
      measured.displayed = display->displayed();
      if (measured.displayed->torn > 0) {
        throw std::logic_error(
            fmt::format("{} entries of two updates were read", measured.displayed->torn));
      }
    }
    return measured;
  }

 private:
  void make_loops() {
    for (std::size_t loop = 0; loop < options_.client_loops; ++loop) {
      if (loop > 0) {
        more_recorders_.emplace_back(kit_.record.samples(), kit_.record.sample_every,
                                     kit_.intervals());
      }
      loops_.emplace_back(wire_, loop, options_, plan_, recorder_of(loop), gone_, stop_);
    }
  }

  Recorder& recorder_of(std::size_t loop) {
    return loop == 0 ? recorder_ : more_recorders_[loop - 1];
  }

  void add_threads(Crew& crew, std::optional<Display<Cache>>& display) {
    if (display) {
      crew.add({.name = "display", .role = "display"}, [this, &display](const Crew::Ready& ready) {
        if (ready()) {
          display->run(plan_.phases, stop_);
        }
      });
    }
    for (std::size_t loop = 0; loop < options_.client_loops; ++loop) {
      crew.add({.name = fmt::format("clients-{}", loop),
                .role = "client",
                .cpu = options_.client.pin,
                .scheduling = options_.client.scheduling},
               [this, loop](const Crew::Ready& ready) {
                 loops_[loop].connect_all();
                 if (ready()) {
                   run(loops_[loop]);
                 }
               });
    }
  }

  /// A server that is gone is none where the run is to end anyway.
  void run(ClientLoop<Wire, Cache>& loop) {
    try {
      loop.run(plan_.phases);
    } catch (const PeerGone&) {
      if (!stop_) {
        throw;
      }
    }
  }

  /// What a server's process does.
  std::vector<threads::Record> serve(bool stands_by, const threads::Process::Parent& parent) {
    segment_.attach();
    Crew crew(kit_.threads, stop_);
    crew.add({.name = stands_by ? "server-2" : "server",
              .role = "server",
              .cpu = options_.server.pin,
              .scheduling = options_.server.scheduling},
             [this, stands_by](const Crew::Ready& ready) {
               if (stands_by) {
                 if (ready() && waits_for_death()) {
                   Server<Wire> server(wire_, kit_, options_, plan_, stop_);
                   server.run(plan_.phases, platform::now_ns(), std::nullopt);
                 }
               } else {
                 Server<Wire> server(wire_, kit_, options_, plan_, stop_);
                 server.welcome_all();
                 if (ready()) {
                   server.run(plan_.phases, 0, dies_ns());
                 }
               }
               wire_.shut();
             });
    crew.wait_until_ready();
    parent.ready();
    crew.start(plan_.phases.quiet_ns, plan_.phases.measured.begin_ns);
    return crew.join();
  }

  /// False where the run is stopped before.
  bool waits_for_death() const {
    constexpr Nanoseconds kPollNs = 1'000'000;
    while (!plan_.is_killed && !stop_) {
      platform::sleep_for(kPollNs, stop_);
    }
    return !stop_;
  }

  /// When the first server is to die, if it is.
  std::optional<Nanoseconds> dies_ns() const {
    if (!options_.has(Fault::What::kKill)) {
      return std::nullopt;
    }
    return plan_.phases.measured.begin_ns +
           static_cast<Nanoseconds>(options_.fault->at_s * double{platform::kNanosecondsPerSecond});
  }

  void join(Crew& crew, std::deque<threads::Process>& processes, Measured& measured) {
    try {
      measured.threads = crew.join();
    } catch (const PeerGone&) {
      if (processes.back().has_word(platform::kNanosecondsPerSecond)) {
        processes.back().join();  // which says why
      }
      throw;
    }
    for (threads::Process& process : processes) {
      const bool was_to_die = &process != &processes.back();
      try {
        std::ranges::move(process.join(), std::back_inserter(measured.threads));
      } catch (const std::exception&) {
        if (!stop_ && !was_to_die) {
          throw;
        }
      }
    }
  }

  void collect(const load::Phases& phases, Measured& measured) {
    for (const ClientLoop<Wire, Cache>& loop : loops_) {
      measured.received.add(loop.received());
    }
    for (Recorder& recorder : more_recorders_) {
      recorder_.merge(recorder);
    }
    measured.served = plan_.served;
    const Received& received = measured.received;
    const bool may_lose =
        options_.fault || options_.slow_policy != SlowPolicy::kWait || received.not_ended > 0;
    if (!stop_ && (received.unaccounted > 0 || (received.missing > 0 && !may_lose))) {
      throw std::logic_error(
          fmt::format("{} messages came to nobody, of which {} were not seen to be missing",
                      received.unaccounted + received.missing, received.unaccounted));
    }
    measured.begin_ns = phases.measured.begin_ns;
    const Nanoseconds end_ns = std::min(phases.measured.end_ns, platform::now_ns());
    measured.elapsed_ns =
        std::max({end_ns, recorder_.last_done_ns(), measured.begin_ns}) - measured.begin_ns;
  }

  const Kit& kit_;
  const Options& options_;
  Recorder& recorder_;
  std::atomic<bool>& stop_;
  std::atomic<bool> gone_{false};
  platform::Segment segment_;
  Plan& plan_;
  Wire wire_;
  std::deque<Recorder> more_recorders_;  // of all loops but the first
  std::deque<ClientLoop<Wire, Cache>> loops_;
};

template <class Wire>
Measured measure_over(const Kit& kit, const Options& options, Recorder& recorder,
                      std::atomic<bool>& stop) {
  switch (options.cache) {
    case Guard::kSeqlock:
      break;
    case Guard::kMutex:
      return Experiment<Wire, LockedCache<std::mutex>>(kit, options, recorder, stop).measure();
    case Guard::kSharedMutex:
      return Experiment<Wire, LockedCache<std::shared_mutex>>(kit, options, recorder, stop)
          .measure();
  }
  return Experiment<Wire, SeqlockCache>(kit, options, recorder, stop).measure();
}

}  // namespace

std::size_t shared_bytes(const Options& options) {
  return Plan::bytes(options) + (options.transport == Transport::kShm
                                     ? Rings::shared_bytes(options)
                                     : Sockets::shared_bytes(options));
}

std::size_t bytes_a_client(const Options& options) {
  const std::size_t cache = options.cache == Guard::kSeqlock
                                ? SeqlockCache::bytes(options.symbols)
                                : LockedCache<std::mutex>::bytes(options.symbols);
  return cache + options.out_limit + shared_bytes(options) / options.clients;
}

Measured measure(const Kit& kit, const Options& options, Recorder& recorder,
                 std::atomic<bool>& stop) {
  return options.transport == Transport::kShm ? measure_over<Rings>(kit, options, recorder, stop)
                                              : measure_over<Sockets>(kit, options, recorder, stop);
}

}  // namespace pipelab::feed
