#include "workloads/exchange/experiment.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <deque>
#include <functional>
#include <iterator>
#include <numeric>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <utility>

#include "load/phases.hpp"
#include "platform/segment.hpp"
#include "threads/crew.hpp"
#include "threads/process.hpp"
#include "threads/warden.hpp"
#include "workloads/exchange/caller.hpp"
#include "workloads/exchange/go_responder.hpp"
#include "workloads/exchange/saboteur.hpp"
#include "workloads/exchange/served.hpp"
#include "workloads/exchange/with_connection.hpp"

namespace pipelab::exchange {
namespace {

using platform::Nanoseconds;
using threads::Crew;

constexpr std::size_t kOtherBytes = std::size_t{1} << 14U;  // of a connection, beside its payloads

/// What both processes know of a run, in memory that they share.
struct Plan {
  load::Phases phases{};          // there before the run starts
  std::atomic<bool> slow{false};  // the responder that sees it takes its time, once
};

/// Throws, so that no call that fails does it first: a program that is linked statically then sorts
/// all its tables for that, which takes 33 ms in a guest.
void throw_once() {
  try {
    throw CallFailed(CallFailed::Why::kLate, "");
  } catch (const CallFailed&) {
    return;
  }
}

/// How many responders a pair has: one waits to take another's place.
std::size_t responders(const Options& options) { return options.fault ? 2 : 1; }

/// Pairs of threads that are joined by connections of one kind. A pair has one connection, and one
/// more for each depth of calls back that listeners serve: over an odd one, the responder's process
/// calls that of the caller.
template <class Connection>
class Experiment {
 public:
  Experiment(const Kit& kit, const Options& options, std::atomic<bool>& stop)
      : kit_(kit),
        options_(options),
        stop_(stop),
        segment_(shared_bytes(kit, options), static_cast<std::uint32_t>(options.payload_words())),
        plan_(make_many<Plan>(1, segment_).front()),
        accounts_(make_many<Account>(2 * options.pairs * options.levels(), segment_)) {
    for (std::size_t pair = 0; pair < options.pairs; ++pair) {
      for (std::size_t which = 0; which < responders(options); ++which) {
        served_.emplace_back(samples_of_pair(kit, options, pair), kit.record.sample_every,
                             segment_);
      }
      for (std::size_t level = 0; level < options.levels(); ++level) {
        connections_.emplace_back(options, segment_);
      }
    }
  }

  Measured measure(Recorder& all) {
    if (options_.responder == Responder::kGo) {
      plan_go();
    }
    if (options_.fault) {
      throw_once();
    }
    if (options_.responder != Responder::kThread) {
      for (std::size_t which = 0; which < responders(options_); ++which) {
        processes_.emplace_back(
            [this, which](threads::Process::Parent parent) { return respond(which, parent); });
      }
      keep(Side::kCaller);
    }
    std::deque<threads::Warden> wardens;  // whose threads may be there once all is forked
    for (std::size_t which = 0; which < processes_.size(); ++which) {
      wardens.emplace_back(processes_[which], [this, which] { give_up(which); });
    }
    std::deque<Called> called;
    Crew crew(kit_.threads, stop_);
    for (std::size_t level = options_.levels(); level-- > 0;) {
      if (processes_.empty() || calls_back(level)) {
        add_answering(crew, level);
      }
    }
    for (std::size_t pair = 0; pair < options_.pairs; ++pair) {
      add_caller(crew, pair, called.emplace_back(kit_, options_, pair));
    }
    crew.wait_until_ready();
    std::ranges::for_each(processes_, &threads::Process::wait_until_ready);
    const load::Phases phases = plan_.phases =
        load::phases_from_now(kit_.load, options_.pairs * (options_.levels() + 1));
    for (Called& each : called) {
      each.recorder.begin(phases.measured.begin_ns);
    }
    std::ranges::for_each(processes_, &threads::Process::start);
    crew.start(phases.quiet_ns, phases.measured.begin_ns);
    std::optional<Saboteur> saboteur;
    if (options_.fault) {
      saboteur.emplace(*options_.fault, victim(), phases.measured.begin_ns, stop_);
    }
    Measured measured;
    try {
      measured.threads = crew.join();
    } catch (const CallFailed&) {
      if (!processes_.empty() && !options_.fault) {
        processes_.front().join();  // which says why
      }
      throw;
    }
    const std::optional<Nanoseconds> fault_ns = saboteur ? saboteur->stop() : std::nullopt;
    for (threads::Process& process : processes_) {
      join(process, measured);
    }
    wardens.clear();
    collect(called, phases, fault_ns, all, measured);
    return measured;
  }

 private:
  using End = typename Connection::End;
  using Talk = Dialogue<End>;

  Connection& connection(std::size_t pair, std::size_t level) {
    return connections_[pair * options_.levels() + level];
  }

  Served& served_by(std::size_t pair, std::size_t which) {
    return served_[pair * responders(options_) + which];
  }

  Account& account(std::size_t pair, std::size_t level, Side side) {
    return accounts_[2 * (pair * options_.levels() + level) + static_cast<std::size_t>(side)];
  }

  Talk talk(std::size_t pair, std::size_t level, Side side) {
    return Talk(End(connection(pair, level), side, gone_.at(process_of(level))), options_,
                options_.depth_below(level));
  }

  /// Says that this process has the callers' ends, or the responders'.
  void keep(Side side) {
    for (std::size_t place = 0; place < connections_.size(); ++place) {
      connections_[place].keep(calls_back(place % options_.levels()) ? other(side) : side);
    }
  }

  /// Which of two responders' processes has a level; there is only one where none may fail.
  std::size_t process_of(std::size_t level) const noexcept { return options_.fault ? level : 0; }

  /// Lets nobody wait for those who have failed: the responders of one process, or all.
  void give_up(std::size_t which) {
    gone_.at(which) = true;
    for (std::size_t place = 0; place < connections_.size(); ++place) {
      if (process_of(place % options_.levels()) == which) {
        connections_[place].rouse(Side::kCaller);
        connections_[place].rouse(Side::kResponder);
      }
    }
  }

  /// Adds the records of a process that has ended; one that was to fail may have.
  void join(threads::Process& process, Measured& measured) const {
    try {
      std::ranges::move(process.join(), std::back_inserter(measured.threads));
    } catch (const std::exception&) {
      const bool was_to_fail = options_.fault && &process == &processes_.front();
      if (!was_to_fail && !stop_) {
        throw;
      }
    }
  }

  Saboteur::Victim victim() {
    return {.process = processes_.front().pid(),
            .lease_ns = options_.lease_ns(),
            .scribble = [this] { scribble(); },
            .slow = plan_.slow};
  }

  /// Overwrites all that callers and the first responders say to each other in memory.
  void scribble() {
    for (std::size_t pair = 0; pair < options_.pairs; ++pair) {
      if constexpr (requires(Connection connection) { connection.scribble(); }) {
        connection(pair, 0).scribble();
      }
    }
  }

  /// Writes down what responders in Go have to know.
  void plan_go() {
    static_cast<void>(go_program());                              // before anything is forked
    static_assert(sizeof(Account) == 8 * sizeof(std::uint64_t));  // as Go has it
    std::vector<GoPair> pairs;
    if constexpr (requires(Connection connection) { connection.places(); }) {
      for (std::size_t pair = 0; pair < options_.pairs; ++pair) {
        const auto places = connection(pair, 0).places();
        pairs.push_back({.word = segment_.offset_of(places.word),
                         .payload = segment_.offset_of(places.payload),
                         .sleep = segment_.offset_of(places.responder_sleeps),
                         .wake = segment_.offset_of(places.caller_sleeps),
                         .served = segment_.offset_of(served_by(pair, 0).all().data()),
                         .account = segment_.offset_of(&account(pair, 0, Side::kResponder))});
      }
    }
    go_ = &write_go_plan(options_, served_.front().all().size(), kit_.record.sample_every, pairs,
                         segment_);
  }

  /// What the responders' process does, or with a fault the one that waits to take its place.
  std::vector<threads::Record> respond(std::size_t which, const threads::Process::Parent& parent) {
    if (go_ != nullptr) {
      return respond_in_go(kit_.threads, options_, segment_, *go_, plan_.phases, parent, stop_);
    }
    segment_.attach();
    keep(Side::kResponder);
    Crew crew(kit_.threads, stop_);
    for (std::size_t level = which; level < options_.levels(); level += 2) {
      add_answering(crew, level);
    }
    crew.wait_until_ready();
    parent.ready();
    const load::Phases& phases = plan_.phases;
    crew.start(phases.quiet_ns, phases.measured.begin_ns);
    return crew.join();
  }

  /// Whether it is from the responders' process to that of the callers that this level calls.
  bool calls_back(std::size_t level) const noexcept { return level % 2 == 1 && !options_.fault; }

  /// Adds a thread, whose failure is that of what it has to do with, of which `level` is one.
  void add(Crew& crew, const threads::Post& post, std::size_t level,
           std::function<void(const Crew::Ready&)> body) {
    crew.add(post, [this, level, body = std::move(body)](const Crew::Ready& ready) {
      try {
        body(ready);
      } catch (const CallFailed&) {
        give_up(process_of(level));
        if (!stop_) {
          throw;
        }
      } catch (...) {
        give_up(process_of(level));
        throw;
      }
    });
  }

  /// Adds the threads that answer on all pairs' connections of `level`.
  void add_answering(Crew& crew, std::size_t level) {
    for (std::size_t pair = 0; pair < options_.pairs; ++pair) {
      const bool stands_by = level > 0 && options_.fault;
      const bool listens = level > 0 && !stands_by;
      add(crew,
          {.name = listens     ? fmt::format("listener-{}-{}", pair, level)
                   : stands_by ? fmt::format("standby-{}", pair)
                               : fmt::format("responder-{}", pair),
           .role = listens ? "listener" : "responder",
           .cpu = calls_back(level) ? options_.callers.pin : options_.responders.pin,
           .scheduling =
               calls_back(level) ? options_.callers.scheduling : options_.responders.scheduling},
          level, [this, pair, level](const Crew::Ready& ready) { answer_all(pair, level, ready); });
    }
  }

  void answer_all(std::size_t pair, std::size_t level, const Crew::Ready& ready) {
    Talk here = talk(pair, level, Side::kResponder);
    std::optional<Talk> onwards;
    if (options_.fault) {
      here.answer_on_lease([this](Mark mark) { pass(mark); });
    } else if (level + 1 < options_.levels()) {
      here.call_over(onwards.emplace(talk(pair, level + 1, Side::kCaller)));
    }
    if (!ready()) {
      return;
    }
    Served* const served =
        level > 0 && !options_.fault ? nullptr : &served_by(pair, process_of(level));
    bool counts = true;
    while (counts && here.wait_for_call()) {
      if (served == nullptr) {
        counts = here.answer();
      } else {
        Served::Times times{.taken_ns = platform::now_ns(), .answered_ns = 0};
        counts = here.answer(0, [&](std::uint64_t number) {
          times.answered_ns = platform::now_ns();
          served->write_down(number, times);
        });
      }
    }
    account(pair, level, Side::kResponder) = here.account();
    if (onwards) {
      onwards->close();
      account(pair, level + 1, Side::kCaller) = onwards->account();
    }
  }

  /// Where a responder is in its work, with a fault.
  void pass(Mark mark) {
    if (mark == Mark::kRead && plan_.slow.exchange(false)) {
      platform::sleep_for(pause_ns(options_.lease_ns()), stop_);
    }
    if (options_.at_mark) {
      options_.at_mark(mark);
    }
  }

  void add_caller(Crew& crew, std::size_t pair, Called& called) {
    add(crew,
        {.name = fmt::format("caller-{}", pair),
         .role = "caller",
         .cpu = options_.callers.pin,
         .scheduling = options_.callers.scheduling},
        0, [this, pair, &called](const Crew::Ready& ready) {
          std::deque<Talk> talks;
          for (std::size_t level = 0; level < responders(options_); ++level) {
            talks.push_back(talk(pair, level, Side::kCaller));
          }
          Caller<Talk> caller(kit_, options_, pair, std::move(talks), called);
          if (ready()) {
            caller.call_all(plan_.phases, stop_);
            caller.close(
                [&](std::size_t level) -> Account& { return account(pair, level, Side::kCaller); });
          }
        });
  }

  /// Puts together what the threads of both sides know.
  void collect(std::deque<Called>& called, const load::Phases& phases,
               std::optional<Nanoseconds> fault_ns, Recorder& all, Measured& measured) {
    for (std::size_t pair = 0; pair < called.size(); ++pair) {
      Called& own = called[pair];
      std::size_t place = 0;
      for (CallTimes& call : own.recorder.samples()) {
        const bool by_first = place * kit_.record.sample_every < own.answered_by_first;
        const Served::Times& times = served_by(pair, by_first ? 0 : 1).at(place);
        call.taken_ns = times.taken_ns;
        call.answered_ns = times.answered_ns;
        ++place;
      }
      measured.calls.push_back(own.recorder.items());
      measured.missed += own.missed;
      for (std::size_t why = 0; why < kWhys; ++why) {
        measured.failed.at(why) += own.failed.at(why);
      }
      measured.failed_before += own.failed_before;
      if (fault_ns && own.noticed_ns > *fault_ns) {
        measured.notice_ns = std::max(measured.notice_ns.value_or(0), own.noticed_ns - *fault_ns);
      }
      measured.round_trips_ns += own.round_trips_ns;
      all.merge(own.recorder);
    }
    for (const Account& each : accounts_) {
      measured.account.add(each);
    }
    check(measured);
    measured.begin_ns = phases.measured.begin_ns;
    const Nanoseconds end_ns = std::min(phases.measured.end_ns, platform::now_ns());
    measured.elapsed_ns =
        std::max({end_ns, all.last_done_ns(), measured.begin_ns}) - measured.begin_ns;
  }

  /// Throws unless each call was answered, once, or failed.
  void check(const Measured& measured) const {
    const Account& account = measured.account;
    const std::uint64_t failed =
        std::accumulate(measured.failed.begin(), measured.failed.end(), measured.failed_before);
    // Who was killed could not say how much it answered.
    const bool answered = options_.fault || account.answers == account.calls;
    if (!stop_ && (account.calls != account.replies + failed || !answered)) {
      throw std::logic_error(
          fmt::format("{} calls were made, {} answered, {} replies came, and {} calls failed",
                      account.calls, account.answers, account.replies, failed));
    }
  }

  const Kit& kit_;
  const Options& options_;
  std::atomic<bool>& stop_;
  std::array<std::atomic<bool>, 2> gone_{};  // responders of the first and the second process
  platform::Segment segment_;
  Plan& plan_;
  GoPlan* go_{nullptr};
  std::span<Account> accounts_;
  std::vector<Served> served_;          // of each pair, by each of its responders
  std::deque<Connection> connections_;  // of each pair, level by level
  std::deque<threads::Process> processes_;
};

}  // namespace

std::size_t shared_bytes(const Kit& kit, const Options& options) {
  constexpr std::size_t kPlaces = 16;  // for payloads, at most
  return kOtherBytes +
         options.pairs *
             (options.levels() * (kPlaces * (options.payload_bytes + 128) + kOtherBytes) +
              responders(options) * samples_of_pair(kit, options, 0) * sizeof(Served::Times));
}

Measured measure(const Kit& kit, const Options& options, Recorder& recorder,
                 std::atomic<bool>& stop) {
  return with_connection(options, [&]<class Connection>(std::type_identity<Connection> /*type*/) {
    return Experiment<Connection>(kit, options, stop).measure(recorder);
  });
}

}  // namespace pipelab::exchange
