#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <type_traits>
#include <utility>

#include "load/pacing.hpp"
#include "load/phases.hpp"
#include "platform/clock.hpp"
#include "workload.hpp"
#include "workloads/rpc/body.hpp"
#include "workloads/rpc/correlation.hpp"
#include "workloads/rpc/link.hpp"
#include "workloads/rpc/meeting.hpp"
#include "workloads/rpc/options.hpp"
#include "workloads/rpc/receiver.hpp"
#include "workloads/rpc/stamps.hpp"

namespace pipelab::rpc {

/// Sends a run's requests, in messages of so many, over each connection in its turn. Where the
/// receiver has no thread of its own, it takes replies when there is no room for another request.
template <class Link, class Parser, class Correlation>
class Sender {
 public:
  Sender(Link& link, Meeting& meeting, Correlation& correlation,
         Receiver<Link, Parser, Correlation>& receiver, const load::Options& load, const Body& body,
         const std::atomic<bool>& gone, const std::atomic<bool>& stop)
      : options_(meeting.options),
        load_(load),
        link_(link),
        meeting_(meeting),
        correlation_(correlation),
        receiver_(receiver),
        body_(body),
        gone_(gone),
        stop_(stop),
        out_(link, Side::kClient, gone) {}

  /// Shakes hands on each connection, and takes the answers, before there is a thread for that.
  void shake_hands_alone() {
    const platform::Nanoseconds begin_ns = platform::now_ns();
    shake_hands([this] { receiver_.receive(); });
    handshake_ns_ = platform::now_ns() - begin_ns;
  }

  /// The whole run.
  void send_all(const load::Phases& phases) {
    missed_ = load::make_share(load_, {}, phases, stop_, [&](auto& pacing, bool measures) {
      next_number_ = measures ? kFirstMeasured : kFirstNumber;
      make_phase(pacing);
      over_lines([this] {
        finish_message();
        flush();
      });
      // What the warm-up left open is not waited for longer than it is quiet after it.
      over_lines([this, measures, &phases] {
        wait_until([this, measures, &phases] {
          return sent_ == settled() || (!measures && platform::now_ns() >= phases.quiet_ns);
        });
      });
    });
    say_end();
  }

  /// Adds what it counted. Call it when its thread has ended.
  void add_to(Called& called) const {
    called.sent = sent_;
    called.missed = missed_;
    called.most_pending = most_pending_;
    called.handshake_ns = handshake_ns_;
    called.end_ns = end_ns_;
    called.reconnect_ns = reconnect_ns_;
    called.sent_bytes = sent_bytes_;
    called.tally.add(out_.tally());
  }

 private:
  using Writer = typename Parser::Writer;

  template <class Pacing>
  void make_phase(Pacing& pacing) {
    constexpr bool kCloses = std::is_same_v<Pacing, load::Unpaced>;
    while (goes_on()) {
      if (kCloses) {
        // Before its turn: a closed loop intends a request when it can make it.
        over_lines([this] { find_room(); });
      }
      std::optional<load::Turn> turn = pacing.next(stop_);
      if (!turn) {
        return;
      }
      if (!kCloses && !has_room()) {
        over_lines([this] { find_room(); });
        turn->created_ns = platform::now_ns();
      }
      const std::uint64_t before = sent_;
      const auto make = [&] {
        send(*turn);
        if (!kCloses) {
          flush();
        }
      };
      over_lines(make);
      if (sent_ == before) {  // the server was gone before it was made
        over_lines(make);
      }
    }
  }

  /// Does `action`, which may need the server; where that is gone, goes on with another if one may
  /// come.
  template <class Action>
  void over_lines(Action action) {
    try {
      action();
    } catch (const PeerGone&) {
      if (!options_.restarts() || !goes_on()) {
        throw;
      }
      reconnect();
    }
  }

  // Relaxed: the flag carries nothing with it.
  bool goes_on() const noexcept {
    return !stop_.load(std::memory_order_relaxed) &&
           !meeting_.is_given_up.load(std::memory_order_relaxed);
  }

  /// Acquire: the place of a request that is over can be used again.
  std::uint64_t settled() const noexcept {
    return meeting_.settled.load(std::memory_order_acquire);
  }

  bool has_room() const noexcept { return sent_ - settled() < options_.window; }

  void find_room() {
    if (!has_room()) {
      flush();
      wait_until([this] { return has_room(); });
    }
  }

  /// Until `ready()`, or the run is over; takes replies meanwhile, or lets the receiver.
  template <class Ready>
  void wait_until(Ready ready) {
    wait_until(ready, [&] { take_replies(ready); });
  }

  template <class Ready, class Wait>
  void wait_until(Ready ready, Wait wait) {
    while (!ready() && goes_on()) {
      if (gone_.load(std::memory_order_relaxed) || meeting_.is_lost()) {
        throw PeerGone("the server is gone");
      }
      wait();
    }
  }

  /// For a while, or until `ready()`.
  template <class Ready>
  void take_replies(Ready ready) {
    if (meeting_.has_receiver) {
      static_cast<void>(meeting_.room.park(
          [&] { return ready() || !goes_on() || meeting_.is_lost(); }, meeting_.limit_ns));
    } else {
      receiver_.receive();
    }
  }

  void send(const load::Turn& turn) {
    if (options_.fault && options_.fault->is_of_client() &&
        (sent_ + 1) % options_.fault->every == 0) {
      send_wrong(options_.fault->what);
    }
    if (buffer_ == nullptr) {
      begin_message();
    }
    const std::int64_t number = next_number_++;
    const std::int64_t id = correlation_.add(
        {.intended_ns = turn.intended_ns, .sent_ns = turn.created_ns, .number = number});
    writer_.request(id, options_.ids == Ids::kString, number, body_.tail);
    ++sent_;
    most_pending_ = std::max(most_pending_, sent_ - settled());
    if (++in_message_ == options_.batch) {
      finish_message();
    }
  }

  /// Over the connection whose turn it is.
  char* begin_buffer() {
    char* buffer = out_.begin(connection_);
    for (const platform::Nanoseconds begin_ns = buffer == nullptr ? platform::now_ns() : 0;
         buffer == nullptr; buffer = out_.begin(connection_)) {
      make_way(begin_ns);
    }
    connection_ = connection_ + 1 == link_.connections() ? 0 : connection_ + 1;
    return buffer;
  }

  void begin_message() {
    buffer_ = begin_buffer();
    writer_ = Writer(buffer_);
    if (options_.batch > 1) {
      writer_.begin_batch();
    }
  }

  /// Hands over the message that was begun, if one was.
  void finish_message() {
    if (buffer_ == nullptr) {
      return;
    }
    if (options_.batch > 1) {
      writer_.end_batch();
    }
    sent_bytes_ += is_measured(next_number_) ? writer_.bytes() : 0;
    out_.send(std::exchange(buffer_, nullptr), writer_.bytes());
    in_message_ = 0;
  }

  /// Where what was sent has had no room since then: the server has to take of it, and may have to
  /// hand over replies first. Nobody waits for it who wants to end.
  void make_way(platform::Nanoseconds since_ns) {
    constexpr platform::Nanoseconds kLimitNs = 1'000'000;
    if (meeting_.is_lost() || meeting_.is_given_up.load(std::memory_order_relaxed)) {
      throw PeerGone("the server is gone");
    }
    if (stop_.load(std::memory_order_relaxed) && platform::now_ns() - since_ns > kStopNs) {
      throw PeerGone("the server takes nothing any more");
    }
    meeting_.check_silence(since_ns, platform::now_ns());
    static_cast<void>(out_.flush());
    if (!meeting_.has_receiver) {
      receiver_.take_what_came();
    }
    out_.wait(kLimitNs);
    if (!meeting_.has_receiver) {
      receiver_.take_what_comes();
    }
  }

  void flush() {
    if (meeting_.is_lost()) {
      throw PeerGone("the server is gone");
    }
    if (out_.flush()) {
      return;
    }
    const platform::Nanoseconds begin_ns = platform::now_ns();
    do {
      make_way(begin_ns);
    } while (!out_.flush());
  }

  /// Sends one that is wrong, which nobody waits for: the reply to it is an error.
  void send_wrong(Fault::What what) {
    finish_message();
    begin_message();
    switch (what) {
      case Fault::What::kParse:
        writer_.text(R"({"jsonrpc":"2.0","id":"x","method":)");
        break;
      case Fault::What::kInvalid:
        writer_.text(R"({"jsonrpc":"1.0","id":"x","method":"sum","params":[1]})");
        break;
      case Fault::What::kMethod:
        writer_.text(R"({"jsonrpc":"2.0","id":"x","method":"no such","params":[1]})");
        break;
      default:
        writer_.text(R"({"jsonrpc":"2.0","id":"x","method":"sum","params":{"a":1}})");
        break;
    }
    finish_message();
  }

  /// Over each connection; `wait()` takes answers.
  template <class Wait>
  void shake_hands(Wait wait) {
    const platform::Nanoseconds begin_ns = platform::now_ns();
    const std::size_t wanted =
        meeting_.shaken.load(std::memory_order_relaxed) + link_.connections();
    for (std::size_t connection = 0; connection < link_.connections(); ++connection) {
      Writer writer(buffer_ = begin_buffer());
      writer.handshake();
      out_.send(std::exchange(buffer_, nullptr), writer.bytes());
    }
    flush();
    wait_until([&] { return meeting_.shaken.load(std::memory_order_acquire) >= wanted; },
               [&] {
                 meeting_.check_silence(begin_ns, platform::now_ns());
                 wait();
               });
  }

  /// Connects to the server that has taken the place of the one that died. What was open with that
  /// has failed.
  void reconnect() {
    const auto wait_for = [this](Meeting::Line line) {
      while (meeting_.line.load(std::memory_order_acquire) != line) {
        if (!goes_on()) {
          throw PeerGone("the server is gone");
        }
        platform::sleep_for(kPollNs, stop_);
      }
    };
    if (meeting_.has_receiver) {
      wait_for(Meeting::Line::kLost);
    } else if (!meeting_.is_lost()) {
      receiver_.lose();
    }
    buffer_ = nullptr;
    in_message_ = 0;
    if constexpr (requires { link_.reopen(); }) {
      out_.renew();
      link_.reopen();
    }
    meeting_.line.store(Meeting::Line::kNew, std::memory_order_release);
    if (meeting_.has_receiver) {
      wait_for(Meeting::Line::kUp);
    } else {
      receiver_.renew();
    }
    shake_hands([this] { take_replies([] { return false; }); });
    reconnect_ns_ = platform::now_ns() - meeting_.lost_ns;
  }

  /// Says on each connection that nothing more comes, and takes what still does until the server
  /// says so, too; or dies, where it was to.
  void say_end() try {
    end_ns_ = platform::now_ns();
    meeting_.is_over = true;
    for (std::size_t connection = 0; connection < link_.connections(); ++connection) {
      out_.send(begin_buffer(), 0);
    }
    flush();
    while (!meeting_.has_receiver && !receiver_.has_ended()) {
      receiver_.receive();
    }
  } catch (const PeerGone&) {
    if (!options_.restarts()) {
      throw;
    }
    if (!meeting_.has_receiver) {
      receiver_.lose();
    }
  }

  static constexpr platform::Nanoseconds kStopNs = 1'000'000'000;  // that an interrupt waits
  static constexpr platform::Nanoseconds kPollNs = 100'000;

  const Options& options_;
  const load::Options& load_;
  Link& link_;
  Meeting& meeting_;
  Correlation& correlation_;
  Receiver<Link, Parser, Correlation>& receiver_;
  const Body& body_;
  const std::atomic<bool>& gone_;
  const std::atomic<bool>& stop_;
  typename Link::Out out_;
  Writer writer_{nullptr};
  char* buffer_{nullptr};      // of the message that was begun
  std::size_t in_message_{0};  // requests
  std::size_t connection_{0};  // whose turn is next
  std::int64_t next_number_{kFirstNumber};
  std::uint64_t sent_{0};
  std::uint64_t sent_bytes_{0};
  std::uint64_t most_pending_{0};
  std::uint64_t missed_{0};
  platform::Nanoseconds handshake_ns_{0};
  platform::Nanoseconds end_ns_{0};
  platform::Nanoseconds reconnect_ns_{0};
};

}  // namespace pipelab::rpc
