#pragma once

#include <fmt/format.h>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <limits>
#include <optional>
#include <stdexcept>
#include <utility>

#include "load/pacing.hpp"
#include "load/phases.hpp"
#include "workload.hpp"
#include "workloads/exchange/connection.hpp"
#include "workloads/exchange/experiment.hpp"
#include "workloads/exchange/numbers.hpp"
#include "workloads/exchange/options.hpp"

namespace pipelab::exchange {

/// How many calls of a pair are kept whole.
inline std::size_t samples_of_pair(const Kit& kit, const Options& options, std::size_t pair) {
  const std::size_t all = kit.record.samples();
  return all / options.pairs + (pair < all % options.pairs ? 1 : 0);
}

/// What a caller measured.
struct Called {
  Called(const Kit& kit, const Options& options, std::size_t pair)
      : recorder(samples_of_pair(kit, options, pair), kit.record.sample_every, kit.intervals()) {}

  Recorder recorder;
  platform::Nanoseconds round_trips_ns{0};
  std::uint64_t missed{0};
  std::array<std::uint64_t, kWhys> failed{};
  std::uint64_t answered_by_first{std::numeric_limits<std::uint64_t>::max()};  // of two responders
  std::uint64_t failed_before{0};       // before what is measured
  platform::Nanoseconds noticed_ns{0};  // when a call failed
};

/// Makes a caller's share of the calls of a run, and measures them: of N callers each has every Nth
/// call of the schedule. `talks` are its ends of a connection to its responder and, where that may
/// fail, of one to who takes its place.
template <class Talk>
class Caller {
 public:
  Caller(const Kit& kit, const Options& options, std::size_t pair, std::deque<Talk> talks,
         Called& called)
      : load_(kit.load),
        share_{.which = pair, .many = options.pairs},
        talks_(std::move(talks)),
        called_(called),
        may_fail_(options.fault) {}

  void call_all(const load::Phases& phases, const std::atomic<bool>& stop) {
    called_.missed =
        load::make_share(load_, share_, phases, stop, [&](auto& pacing, bool measures) {
          std::uint64_t answered = 0;
          while (const std::optional<load::Turn> turn = pacing.next(stop)) {
            // After a failed call the next has its number, so that numbers are those of samples.
            if (call(number_of(answered, measures), stop)) {
              ++answered;
              if (measures) {
                record(*turn);
              }
            }
          }
        });
  }

  /// Says that no more calls come; leaves in `account(level)` what went over each connection.
  template <class AccountOf>
  void close(AccountOf account) {
    for (std::size_t level = 0; level < talks_.size(); ++level) {
      if (level >= which_) {
        try {
          talks_[level].close();
        } catch (const CallFailed&) {
          // There is nobody to be told. Whether that is a fault, who waits for the process knows.
        }
      }
      account(level) = talks_[level].account();
    }
  }

 private:
  void record(const load::Turn& turn) {
    const platform::Nanoseconds done_ns = platform::now_ns();
    called_.round_trips_ns += done_ns - turn.created_ns;
    called_.recorder.record({.intended_ns = turn.intended_ns,
                             .written_ns = turn.created_ns,
                             .taken_ns = 0,  // the responder knows
                             .answered_ns = 0,
                             .done_ns = done_ns});
  }

  /// Calls the responder whose turn it is. False when that failed: the next one is for the
  /// responder that takes its place.
  bool call(std::uint64_t number, const std::atomic<bool>& stop) {
    try {
      talks_[which_].call(number);
      return true;
    } catch (const CallFailed& failure) {
      if (stop) {
        return false;  // the run was interrupted, and the responders with it
      }
      if (!may_fail_) {
        throw;
      }
      if (which_ > 0) {
        throw std::runtime_error(
            fmt::format("two responders failed, one after the other: {}: give a longer --lease-ms, "
                        "or another --wait",
                        failure.what()));
      }
      return was_answered_after(failure, number);
    }
  }

  /// Whether a call that failed was answered all the same; goes on to the next responder.
  bool was_answered_after(const CallFailed& failure, std::uint64_t number) {
    bool answered = false;
    if constexpr (requires { talks_[0].give_up(number); }) {
      answered = !talks_[0].give_up(number);
    }
    which_ = 1;
    called_.noticed_ns = platform::now_ns();
    if (!answered) {
      if (is_measured(number)) {
        ++called_.failed.at(static_cast<std::size_t>(failure.why()));
        called_.recorder.fail(called_.noticed_ns);
      } else {
        ++called_.failed_before;
      }
    }
    called_.answered_by_first =
        called_.recorder.items() + (is_measured(number) && answered ? 1 : 0);
    return answered;
  }

  const load::Options& load_;
  load::Share share_;
  std::deque<Talk> talks_;
  Called& called_;
  bool may_fail_;
  std::size_t which_{0};  // of the talks
};

}  // namespace pipelab::exchange
