#include "workloads/rpc/experiment.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <exception>
#include <functional>
#include <iterator>
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
  load::Phases phases{};  // there before the run starts
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
        plan_(*std::pmr::polymorphic_allocator<>(&segment_).new_object<Plan>()),
        link_(options, segment_) {}

  Measured measure() {
    std::optional<threads::Process> process;
    if (options_.peer == Peer::kProcess) {
      process.emplace([this](threads::Process::Parent parent) { return serve(parent); });
      link_.keep(Side::kClient);
    }
    std::optional<threads::Warden> warden;  // whose thread may be there once all is forked
    if (process) {
      warden.emplace(*process, [this] {
        gone_ = true;
        link_.rouse();
      });
    }
    Client<Link, Parser, Correlation> client(link_, kit_, options_, recorder_, plan_.stamps, gone_,
                                             stop_);
    Crew crew(kit_.threads, stop_);
    if (!process) {
      add_server(crew);
    }
    add_client(crew, client);
    crew.wait_until_ready();
    if (process) {
      process->wait_until_ready();
    }
    const load::Phases phases = plan_.phases = load::phases_from_now(kit_.load, 3);
    recorder_.begin(phases.measured.begin_ns);
    if (process) {
      process->start();
    }
    crew.start(phases.quiet_ns, phases.measured.begin_ns);
    Measured measured;
    join(crew, process, measured);
    warden.reset();
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
                           .cpu = options_.pin_client,
                           .scheduling = options_.sched_client};
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
          if (ready()) {
            client.send_all(plan_.phases);
          }
        },
        [&client] { client.give_up(); });
  }

  void add_server(Crew& crew) {
    add(crew,
        {.name = "server",
         .role = "server",
         .cpu = options_.pin_server,
         .scheduling = options_.sched_server},
        Side::kServer, [this](const Crew::Ready& ready) {
          Server<Link, Parser> server(link_, options_, plan_.stamps, gone_, stop_);
          if (ready()) {
            server.run();
            plan_.served = server.served();
          }
        });
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

  /// What the server's process does.
  std::vector<threads::Record> serve(const threads::Process::Parent& parent) {
    segment_.attach();
    link_.keep(Side::kServer);
    Crew crew(kit_.threads, stop_);
    add_server(crew);
    crew.wait_until_ready();
    parent.ready();
    const load::Phases& phases = plan_.phases;
    crew.start(phases.quiet_ns, phases.measured.begin_ns);
    return crew.join();
  }

  void join(Crew& crew, std::optional<threads::Process>& process, Measured& measured) const {
    try {
      measured.threads = crew.join();
    } catch (const PeerGone&) {
      if (process) {
        process->join();  // which says why
      }
      throw;
    }
    if (!process) {
      return;
    }
    try {
      std::ranges::move(process->join(), std::back_inserter(measured.threads));
    } catch (const std::exception&) {
      if (!stop_) {
        throw;
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
  return kOtherBytes +
         (options.transport == Transport::kRings ? RingsLink::shared_bytes(options) : 0);
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
