#include "workloads/rpc/experiment.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <deque>
#include <exception>
#include <functional>
#include <iterator>
#include <memory_resource>
#include <optional>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>

#include "load/phases.hpp"
#include "platform/segment.hpp"
#include "threads/crew.hpp"
#include "threads/process.hpp"
#include "threads/warden.hpp"
#include "workloads/rpc/client.hpp"
#include "workloads/rpc/correlation.hpp"
#include "workloads/rpc/rapidjson_parser.hpp"
#include "workloads/rpc/records.hpp"
#include "workloads/rpc/rings_link.hpp"
#include "workloads/rpc/server.hpp"
#include "workloads/rpc/stream_link.hpp"
#if PIPELAB_TBB
#include "workloads/rpc/concurrent_table.hpp"
#endif
#if PIPELAB_SIMDJSON
#include "workloads/rpc/simdjson_parser.hpp"
#endif

namespace pipelab::rpc {
namespace {

using platform::Nanoseconds;
using threads::Crew;

/// What both processes know of a run, in memory that they share.
struct Plan {
  Plan(std::size_t window, std::pmr::memory_resource& shared) : stamps(window, shared) {}

  load::Phases phases{};              // there before the run starts
  std::atomic<bool> is_taken{false};  // the first server has its connections
  Stamps stamps;
  Served served;
};

constexpr std::size_t kOtherBytes = sizeof(Plan) + (std::size_t{1} << 16U);

template <class Link, class Parser, class Correlation>
class Experiment {
 public:
  Experiment(const Kit& kit, const Options& options, Recorder& recorder, std::atomic<bool>& stop)
      : kit_(kit),
        options_(options),
        recorder_(recorder),
        stop_(stop),
        segment_(shared_bytes(options), static_cast<std::uint32_t>(options.messages())),
        plan_(*std::pmr::polymorphic_allocator<>(&segment_).new_object<Plan>(options.window,
                                                                             segment_)),
        link_(options, segment_) {}

  Measured measure() {
    std::deque<threads::Process> processes;  // the server's, and that of who takes its place
    if (options_.peer == Peer::kProcess) {
      for (const bool stands_by : {false, true}) {
        if (!stands_by || options_.restarts()) {
          processes.emplace_back([this, stands_by](threads::Process::Parent parent) {
            return serve(stands_by, parent);
          });
        }
      }
      link_.keep(Side::kClient);
    }
    std::deque<threads::Warden> wardens;  // whose threads may be there once all is forked
    for (const threads::Process& process : processes) {
      wardens.emplace_back(process, [this, is_last = &process == &processes.back()] {
        if (is_last) {
          gone_ = true;
          link_.rouse();
        }
      });
    }
    Client<Link, Parser, Correlation> client(link_, kit_, options_, recorder_, plan_.stamps, gone_,
                                             stop_);
    Crew crew(kit_.threads, stop_);
    if (processes.empty()) {
      add_server(crew, false);
    }
    add_client(crew, client);
    crew.wait_until_ready();
    for (threads::Process& process : processes) {
      process.wait_until_ready();
    }
    const load::Phases phases = plan_.phases = load::phases_from_now(kit_.load, 3);
    recorder_.begin(phases.measured.begin_ns);
    for (threads::Process& process : processes) {
      process.start();
    }
    crew.start(phases.quiet_ns, phases.measured.begin_ns);
    Measured measured;
    join(crew, processes, measured);
    wardens.clear();
    measured.called = client.called();
    measured.served = plan_.served;
    collect(phases, measured);
    return measured;
  }

 private:
  void add_client(Crew& crew, Client<Link, Parser, Correlation>& client) {
    const auto post = [this](const char* name) {
      return threads::Post{.name = name,
                           .role = "client",
                           .cpu = options_.client.pin,
                           .scheduling = options_.client.scheduling};
    };
    if (client.has_receiver()) {
      add(
          crew, post("receiver"), Side::kClient,
          [&client](const Crew::Ready& ready) {
            if (ready()) {
              client.receive_all();
            }
          },
          [&client] { client.give_up(); });
    }
    add(
        crew, post("client"), Side::kClient,
        [this, &client](const Crew::Ready& ready) {
          client.shake_hands();
          if (ready()) {
            client.send_all(plan_.phases);
          }
        },
        [&client] { client.give_up(); });
  }

  void add_server(Crew& crew, bool stands_by) {
    add(crew,
        {.name = "server",
         .role = "server",
         .cpu = options_.server.pin,
         .scheduling = options_.server.scheduling},
        Side::kServer, [this, stands_by](const Crew::Ready& ready) {
          // One that stands by has nobody to accept before the first has died.
          if ((stands_by && !ready()) || !link_.open(Side::kServer)) {
            return;
          }
          plan_.is_taken = true;
          Server<Link, Parser> server(link_, options_, plan_.stamps, gone_, stop_);
          if (!stands_by) {
            server.shake_hands();
          }
          if (stands_by || ready()) {
            server.run(dies_ns(stands_by));
            plan_.served = server.served();
          }
        });
  }

  /// When a server is to die, if it is.
  std::optional<Nanoseconds> dies_ns(bool stands_by) const {
    if (stands_by || !options_.restarts()) {
      return std::nullopt;
    }
    return plan_.phases.measured.begin_ns +
           static_cast<Nanoseconds>(options_.fault->at_s * double{platform::kNanosecondsPerSecond});
  }

  /// Adds a thread whose failure is that of its side. A peer that is gone is none where the run is
  /// to end anyway.
  void add(
      Crew& crew, const threads::Post& post, Side side, Crew::Body body,
      std::function<void()> failed = [] {}) {
    crew.add(post, [this, side, body = std::move(body),
                    failed = std::move(failed)](const Crew::Ready& ready) {
      try {
        body(ready);
      } catch (const PeerGone&) {
        give_up(side);
        failed();
        if (!stop_) {
          throw;
        }
      } catch (...) {
        give_up(side);
        failed();
        throw;
      }
    });
  }

  /// Lets nobody wait for this side.
  void give_up(Side side) {
    gone_ = true;
    link_.shut(side);
    link_.rouse();
  }

  /// What a server's process does.
  std::vector<threads::Record> serve(bool stands_by, const threads::Process::Parent& parent) {
    constexpr Nanoseconds kPollNs = 1'000'000;
    segment_.attach();
    link_.keep(Side::kServer);
    while (stands_by && !plan_.is_taken && !stop_) {
      platform::sleep_for(kPollNs, stop_);  // or it would accept what is the first one's
    }
    Crew crew(kit_.threads, stop_);
    add_server(crew, stands_by);
    crew.wait_until_ready();
    parent.ready();
    const load::Phases& phases = plan_.phases;
    crew.start(phases.quiet_ns, phases.measured.begin_ns);
    return crew.join();
  }

  void join(Crew& crew, std::deque<threads::Process>& processes, Measured& measured) {
    try {
      measured.threads = crew.join();
    } catch (const PeerGone&) {
      constexpr Nanoseconds kPatienceNs = platform::kNanosecondsPerSecond;
      if (!processes.empty() && processes.back().has_word(kPatienceNs)) {
        processes.back().join();  // which says why
      }
      throw;
    }
    if (options_.restarts()) {
      link_.rouse();  // nobody connects any more
    }
    for (threads::Process& process : processes) {
      const bool was_to_die = options_.restarts() && &process == &processes.front();
      try {
        std::ranges::move(process.join(), std::back_inserter(measured.threads));
      } catch (const std::exception&) {
        if (!stop_ && !was_to_die) {
          throw;
        }
      }
    }
  }

  void collect(const load::Phases& phases, Measured& measured) const {
    const Called& called = measured.called;
    if (!stop_ && called.sent != called.settled) {
      throw std::logic_error(
          fmt::format("{} requests were sent, and {} came to an end", called.sent, called.settled));
    }
    if (called.wrong > 0) {
      throw std::logic_error(
          fmt::format("{} replies had a result that is another's", called.wrong));
    }
    measured.begin_ns = phases.measured.begin_ns;
    measured.counted_ns =
        (called.ended_ns > 0 ? called.ended_ns : platform::now_ns()) - phases.quiet_ns;
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
  Link link_;
};

/// Calls `use` with the types that the options ask for, as std::type_identity.
template <class Use>
Measured with_link(const Options& options, Use use) {
  return options.transport == Transport::kRings ? use(std::type_identity<RingsLink>{})
                                                : use(std::type_identity<StreamLink>{});
}

template <class Use>
Measured with_parser(const Options& options, Use use) {
  switch (options.parser) {
    case Json::kSimdjson:
#if PIPELAB_SIMDJSON
      return use(std::type_identity<SimdjsonParser>{});
#else
      break;
#endif
    case Json::kRapidjson:
      return use(std::type_identity<RapidjsonParser>{});
    case Json::kNone:
      return use(std::type_identity<RecordParser>{});
  }
  throw std::logic_error("there is no such parser");
}

template <class Use>
Measured with_correlation(const Options& options, Use use) {
  switch (options.correlate) {
    case Correlate::kSlots:
      return use(std::type_identity<Slots>{});
    case Correlate::kMap:
      return use(std::type_identity<Map>{});
    case Correlate::kSharded:
      return use(std::type_identity<Sharded>{});
    case Correlate::kTbb:
#if PIPELAB_TBB
      return use(std::type_identity<ConcurrentTable>{});
#else
      break;
#endif
  }
  throw std::logic_error("there is no such correlation");
}

}  // namespace

std::size_t shared_bytes(const Options& options) {
  return kOtherBytes + Stamps::bytes(options.window) +
         (options.transport == Transport::kRings ? RingsLink::shared_bytes(options) : 0);
}

std::size_t bytes_a_connection(const Options& options) {
  return options.transport == Transport::kRings ? RingsLink::shared_bytes(options)
                                                : StreamLink::bytes_a_connection(options);
}

Measured measure(const Kit& kit, const Options& options, Recorder& recorder,
                 std::atomic<bool>& stop) {
  return with_link(options, [&]<class Link>(std::type_identity<Link> /*link*/) {
    return with_parser(options, [&]<class Parser>(std::type_identity<Parser> /*parser*/) {
      return with_correlation(options, [&]<class Finds>(std::type_identity<Finds> /*finds*/) {
        return Experiment<Link, Parser, Finds>(kit, options, recorder, stop).measure();
      });
    });
  });
}

}  // namespace pipelab::rpc
