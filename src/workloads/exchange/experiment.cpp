#include "workloads/exchange/experiment.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <deque>
#include <limits>
#include <memory_resource>
#include <numeric>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>

#include "load/pacing.hpp"
#include "load/phases.hpp"
#include "threads/crew.hpp"
#include "threads/process.hpp"
#include "workloads/exchange/segment.hpp"
#include "workloads/exchange/warden.hpp"
#include "workloads/exchange/with_connection.hpp"

namespace pipelab::exchange {
namespace {

using platform::Nanoseconds;
using threads::Crew;

/// When the responder had a call of the measured phase; zeros: not written down.
struct Served {
  Nanoseconds taken_ns;
  Nanoseconds answered_ns;
};

// Numbers of calls: four bits for those within, and above them which call it is, of the measured
// phase or before. So the responder knows of which it is to write down the times.
constexpr unsigned kWithinBits = 4;
static_assert(kMostDepth < 1U << kWithinBits);
constexpr std::uint64_t kMeasured = std::uint64_t{1} << 62U;

constexpr int kLeases = 4;  // for so many of them a responder is stopped, or slow

constexpr std::size_t kOtherBytes = std::size_t{1} << 14U;  // of a connection, beside its payloads

/// How many responders a pair has: one waits to take another's place.
std::size_t responders(const Options& options) { return options.fault ? 2 : 1; }

/// How many calls of each pair are kept whole.
std::size_t samples_of_pair(const Kit& kit, const Options& options) {
  return (kit.record.samples() + options.pairs - 1) / options.pairs;
}

/// What a caller measured.
struct Called {
  explicit Called(const Kit& kit, const Options& options)
      : recorder(samples_of_pair(kit, options), kit.record.sample_every) {}

  Recorder recorder;
  Nanoseconds round_trips_ns{0};
  std::uint64_t missed{0};
  std::array<std::uint64_t, kWhys> failed{};
  std::uint64_t answered_by_first{std::numeric_limits<std::uint64_t>::max()};  // of two responders
  std::uint64_t failed_before{0};  // before what is measured
  Nanoseconds noticed_ns{0};       // when a call failed
};

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
        accounts_(make_many<Account>(2 * options.pairs * options.levels(), segment_)) {
    for (std::size_t pair = 0; pair < options.pairs; ++pair) {
      for (std::size_t which = 0; which < responders(options); ++which) {
        served_.push_back(make_many<Served>(samples_of_pair(kit, options), segment_));
      }
      for (std::size_t level = 0; level < options.levels(); ++level) {
        connections_.emplace_back(options, segment_);
      }
    }
  }

  Measured measure(Recorder& all) {
    if (options_.responder == Responder::kProcess) {
      for (std::size_t which = 0; which < responders(options_); ++which) {
        processes_.emplace_back(
            [this, which](threads::Process::Parent parent) { return respond(which, parent); });
      }
      keep(Side::kCaller);
    }
    std::deque<Called> called;
    Crew crew(kit_.threads, stop_);
    for (std::size_t level = options_.levels(); level-- > 0;) {
      if (processes_.empty() || calls_back(level)) {
        add_answering(crew, level);
      }
    }
    for (std::size_t pair = 0; pair < options_.pairs; ++pair) {
      add_caller(crew, pair, called.emplace_back(kit_, options_));
    }
    crew.wait_until_ready();
    std::ranges::for_each(processes_, &threads::Process::wait_until_ready);
    const load::Phases phases = segment_.header().phases =
        load::phases_from_now(kit_.load, options_.pairs * (options_.levels() + 1));
    std::deque<Warden> wardens;
    for (std::size_t which = 0; which < processes_.size(); ++which) {
      processes_[which].start();
      wardens.emplace_back(processes_[which].death(), [this, which] { give_up(which); });
    }
    crew.start(phases.quiet_ns, phases.measured.begin_ns);
    Measured measured;
    {
      const Saboteur saboteur(*this, phases.measured.begin_ns);
      try {
        measured.threads = crew.join();
      } catch (const CallFailed&) {
        if (!processes_.empty() && !options_.fault) {
          processes_.front().join();  // which says why
        }
        throw;
      }
    }
    wardens.clear();
    for (threads::Process& process : processes_) {
      join(process, measured);
    }
    collect(called, phases, all, measured);
    return measured;
  }

 private:
  using End = typename Connection::End;
  using Talk = Dialogue<End>;

  Connection& connection(std::size_t pair, std::size_t level) {
    return connections_[pair * options_.levels() + level];
  }

  std::span<Served> served_by(std::size_t pair, std::size_t which) {
    return served_[pair * responders(options_) + which];
  }

  Account& account(std::size_t pair, std::size_t level, Side side) {
    return accounts_[2 * (pair * options_.levels() + level) + static_cast<std::size_t>(side)];
  }

  Talk talk(std::size_t pair, std::size_t level, Side side) {
    return Talk(End(connection(pair, level), side, gone_.at(options_.fault ? level : 0)), options_,
                options_.depth_below(level));
  }

  /// Says that this process has the callers' ends, or the responders'.
  void keep(Side side) {
    for (std::size_t place = 0; place < connections_.size(); ++place) {
      connections_[place].keep(calls_back(place % options_.levels()) ? other(side) : side);
    }
  }

  /// Lets nobody wait for those who have failed: the responders of one process, or all.
  void give_up(std::size_t which = 0) {
    gone_.at(which) = true;
    for (std::size_t place = 0; place < connections_.size(); ++place) {
      if (!options_.fault || place % 2 == which) {
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
      if (!options_.fault || &process != &processes_.front()) {
        throw;
      }
    }
  }

  /// Does to the first responders' process what the options want, when it is time.
  class Saboteur {
   public:
    Saboteur(Experiment& all, Nanoseconds begin_ns) {
      if (all.options_.fault) {
        thread_ = std::thread([this, &all, begin_ns] { work(all, begin_ns); });
      }
    }
    Saboteur(const Saboteur&) = delete;
    Saboteur& operator=(const Saboteur&) = delete;
    Saboteur(Saboteur&&) = delete;
    Saboteur& operator=(Saboteur&&) = delete;
    ~Saboteur() {
      done_ = true;
      if (thread_.joinable()) {
        thread_.join();
      }
    }

   private:
    void work(Experiment& all, Nanoseconds begin_ns) {
      const Fault& fault = *all.options_.fault;
      const pid_t victim = all.processes_.front().pid();
      platform::sleep_until(
          begin_ns + static_cast<Nanoseconds>(fault.at_s * double{platform::kNanosecondsPerSecond}),
          done_);
      if (done_) {
        return;
      }
      all.fault_ns_ = platform::now_ns();
      switch (fault.what) {
        case Fault::What::kKill:
          kill(victim, SIGKILL);
          break;
        case Fault::What::kStop:
          kill(victim, SIGSTOP);
          platform::sleep_for(kLeases * all.options_.lease_ns(), never_);
          kill(victim, SIGCONT);  // so that it answers, too late
          break;
        case Fault::What::kScribble:
          if constexpr (requires(Connection connection) { connection.scribble(); }) {
            for (std::size_t pair = 0; pair < all.options_.pairs; ++pair) {
              all.connection(pair, 0).scribble();
            }
          }
          break;
        case Fault::What::kSlow:
          all.segment_.header().slow = true;
          break;
      }
    }

    std::atomic<bool> done_{false};
    const std::atomic<bool> never_{false};
    std::thread thread_;
  };

  /// What the responders' process does, or with a fault the one that waits to take its place.
  std::vector<threads::Record> respond(std::size_t which, const threads::Process::Parent& parent) {
    segment_.attach();
    keep(Side::kResponder);
    Crew crew(kit_.threads, stop_);
    for (std::size_t level = which; level < options_.levels(); level += 2) {
      add_answering(crew, level);
    }
    crew.wait_until_ready();
    parent.ready();
    const load::Phases& phases = segment_.header().phases;
    crew.start(phases.quiet_ns, phases.measured.begin_ns);
    return crew.join();
  }

  /// Whether it is from the responders' process to that of the callers that this level calls.
  bool calls_back(std::size_t level) const noexcept { return level % 2 == 1 && !options_.fault; }

  void add(Crew& crew, const threads::Post& post, std::function<void(const Crew::Ready&)> body) {
    crew.add(post, [this, body = std::move(body)](const Crew::Ready& ready) {
      try {
        body(ready);
      } catch (...) {
        give_up();
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
           .cpu = calls_back(level) ? options_.pin_caller : options_.pin_responder,
           .scheduling = calls_back(level) ? options_.sched_caller : options_.sched_responder},
          [this, pair, level](const Crew::Ready& ready) { answer_all(pair, level, ready); });
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
    const bool nested = level > 0 && !options_.fault;
    const std::span<Served> served = nested ? std::span<Served>{} : served_by(pair, level);
    bool counts = true;
    while (counts && here.wait_for_call()) {
      if (served.empty()) {
        counts = here.answer();
      } else {
        Served times{.taken_ns = platform::now_ns(), .answered_ns = 0};
        counts = here.answer(0, [&](std::uint64_t number) {
          times.answered_ns = platform::now_ns();
          write_down(times, number, served);
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
    if (mark == Mark::kRead && segment_.header().slow.exchange(false)) {
      platform::sleep_for(kLeases * options_.lease_ns(), stop_);
    }
    if (options_.at_mark) {
      options_.at_mark(mark);
    }
  }

  /// Keeps the times of a call if the caller keeps it, too.
  void write_down(const Served& times, std::uint64_t number, std::span<Served> served) const {
    const std::uint64_t call = (number & ~kMeasured) >> kWithinBits;
    if (number >= kMeasured && call % kit_.record.sample_every == 0 &&
        call / kit_.record.sample_every < served.size()) {
      served[static_cast<std::size_t>(call / kit_.record.sample_every)] = times;
    }
  }

  void add_caller(Crew& crew, std::size_t pair, Called& called) {
    add(crew,
        {.name = fmt::format("caller-{}", pair),
         .role = "caller",
         .cpu = options_.pin_caller,
         .scheduling = options_.sched_caller},
        [this, pair, &called](const Crew::Ready& ready) {
          const auto part = kit_.load.has_schedule() ? &Experiment::call_all<load::Paced>
                                                     : &Experiment::call_all<load::Unpaced>;
          (this->*part)(pair, called, ready);
        });
  }

  /// A caller's part of a run. Of N callers each has every Nth call of the schedule.
  template <class Pacing>
  void call_all(std::size_t pair, Called& called, const Crew::Ready& ready) {
    load::Options load = kit_.load;
    const double offset_us = load.interval_us * static_cast<double>(pair);
    load.interval_us *= static_cast<double>(options_.pairs);
    load.seed += pair;
    Pacing pacing(load);
    std::deque<Talk> talks;  // with a fault the first, and that with who takes its place
    for (std::size_t level = 0; level < responders(options_); ++level) {
      talks.push_back(talk(pair, level, Side::kCaller));
    }
    std::size_t which = 0;
    if (!ready()) {
      return;
    }
    const load::Phases phases = segment_.header().phases;
    for (load::Phase phase : {phases.warm_up, phases.measured}) {
      const bool measures = phase.begin_ns == phases.measured.begin_ns;
      std::uint64_t number = (measures ? kMeasured : 0) + (measures ? 0 : 1U << kWithinBits);
      phase.begin_ns +=
          static_cast<Nanoseconds>(offset_us * double{platform::kNanosecondsPerMicrosecond});
      pacing.start(phase, stop_);
      // Relaxed: the flag carries nothing with it, and a few more calls do no harm.
      while (!stop_.load(std::memory_order_relaxed)) {
        const load::Turn turn = pacing.next(stop_);
        if (pacing.over(turn)) {
          break;
        }
        const bool answered = call(talks, which, number, measures, called);
        if (!answered) {
          continue;  // the next call has this one's number, so that numbers are those of samples
        }
        number += 1U << kWithinBits;
        if (measures) {
          const Nanoseconds done_ns = platform::now_ns();
          called.round_trips_ns += done_ns - turn.created_ns;
          called.recorder.record({.intended_ns = turn.intended_ns,
                                  .written_ns = turn.created_ns,
                                  .taken_ns = 0,  // the responder knows
                                  .answered_ns = 0,
                                  .done_ns = done_ns});
        }
      }
    }
    called.missed = stop_ ? 0 : pacing.missed();
    for (std::size_t level = 0; level < talks.size(); ++level) {
      if (level >= which) {
        talks[level].close();
      }
      account(pair, level, Side::kCaller) = talks[level].account();
    }
  }

  /// Calls the responder whose turn it is. False when that failed: the next one is for the
  /// responder that takes its place.
  bool call(std::deque<Talk>& talks, std::size_t& which, std::uint64_t number, bool measures,
            Called& called) {
    try {
      talks[which].call(number);
      return true;
    } catch (const CallFailed& failure) {
      if constexpr (requires { talks[which].give_up(number); }) {
        if (options_.fault && which == 0) {
          const bool answered = !talks[which++].give_up(number);
          called.noticed_ns = platform::now_ns();
          std::uint64_t& failed = measures
                                      ? called.failed.at(static_cast<std::size_t>(failure.why()))
                                      : called.failed_before;
          failed += answered ? 0 : 1;
          called.answered_by_first = called.recorder.items() + (measures && answered ? 1 : 0);
          return answered;
        }
      }
      if (which > 0) {
        throw std::runtime_error(fmt::format(
            "two responders failed, one after the other: {}: give a longer --lease-ms, or another "
            "--wait",
            failure.what()));
      }
      throw;
    }
  }

  /// Puts together what the threads of both sides know.
  void collect(std::deque<Called>& called, const load::Phases& phases, Recorder& all,
               Measured& measured) {
    for (std::size_t pair = 0; pair < called.size(); ++pair) {
      Called& own = called[pair];
      std::size_t place = 0;
      for (CallTimes& call : own.recorder.samples()) {
        const Served& times = served_by(
            pair, place * kit_.record.sample_every < own.answered_by_first ? 0 : 1)[place];
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
      if (own.noticed_ns > fault_ns_ && fault_ns_ > 0) {
        measured.notice_ns = std::max(measured.notice_ns.value_or(0), own.noticed_ns - fault_ns_);
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
    if (account.calls != account.replies + failed || !answered) {
      throw std::logic_error(
          fmt::format("{} calls were made, {} answered, {} replies came, and {} calls failed",
                      account.calls, account.answers, account.replies, failed));
    }
  }

  const Kit& kit_;
  const Options& options_;
  std::atomic<bool>& stop_;
  std::array<std::atomic<bool>, 2> gone_{};  // responders of the first and the second process
  std::atomic<Nanoseconds> fault_ns_{0};     // when it was done
  Segment segment_;
  std::span<Account> accounts_;
  std::vector<std::span<Served>> served_;  // of each pair, by each of its responders
  std::deque<Connection> connections_;     // of each pair, level by level
  std::deque<threads::Process> processes_;
};

}  // namespace

std::size_t shared_bytes(const Kit& kit, const Options& options) {
  constexpr std::size_t kPlaces = 16;  // for payloads, at most
  return kOtherBytes +
         options.pairs *
             (options.levels() * (kPlaces * (options.payload_bytes + 128) + kOtherBytes) +
              responders(options) * samples_of_pair(kit, options) * sizeof(Served));
}

Measured measure(const Kit& kit, const Options& options, Recorder& recorder,
                 std::atomic<bool>& stop) {
  return with_connection(options, [&]<class Connection>(std::type_identity<Connection> /*type*/) {
    return Experiment<Connection>(kit, options, stop).measure(recorder);
  });
}

}  // namespace pipelab::exchange
