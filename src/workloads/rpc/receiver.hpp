#pragma once

#include <atomic>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <utility>

#include "platform/clock.hpp"
#include "workloads/rpc/call_times.hpp"
#include "workloads/rpc/called.hpp"
#include "workloads/rpc/correlation.hpp"
#include "workloads/rpc/link.hpp"
#include "workloads/rpc/meeting.hpp"
#include "workloads/rpc/message.hpp"
#include "workloads/rpc/stamps.hpp"

namespace pipelab::rpc {

/// Takes the replies to a client's requests, and finds the request of each.
template <class Link, class Parser, class Correlation>
class Receiver {
 public:
  /// `sum` is what a result is more than the number of its request.
  Receiver(Link& link, Meeting& meeting, Correlation& correlation, std::int64_t sum,
           std::size_t most_samples, Recorder& recorder, Stamps& stamps,
           const std::atomic<bool>& gone)
      : meeting_(meeting),
        correlation_(correlation),
        sum_(sum),
        most_samples_(most_samples),
        connections_(link.connections()),
        in_(link, Side::kClient, gone),
        recorder_(recorder),
        stamps_(stamps),
        parser_(meeting.options.most_reply_bytes()),
        draft_(1) {
    stamps.want(most_samples > 0);
  }

  /// Until the server has ended on each connection, or the sender has failed.
  void receive_all() {
    while (!has_ended() && !meeting_.is_given_up) {
      try {
        receive();
      } catch (const PeerGone&) {
        lose();
        while (is_lost() && !meeting_.is_ending() && !meeting_.is_given_up) {
          platform::sleep_for(kPollNs, meeting_.is_given_up);
        }
        if (is_lost()) {
          return;  // nobody connects any more
        }
        renew();
      }
    }
  }

  bool has_ended() const noexcept { return ended_ == connections_; }

  /// Takes what is there, or comes within a while; then ends what waited for too long.
  void receive() {
    Frame frame = in_.try_receive();
    if (!frame.is_there()) {
      frame = in_.receive(meeting_.limit_ns);
    }
    const bool any = frame.is_there();
    const platform::Nanoseconds last_ns = done_ns_;
    take_all(frame);
    const platform::Nanoseconds now_ns = done_ns_ > last_ns ? done_ns_ : platform::now_ns();
    if (any || !meeting_.is_ending()) {
      heard_ns_ = now_ns;
    }
    meeting_.check_silence(heard_ns_, now_ns);
    if (now_ns >= next_look_ns_) {
      next_look_ns_ = now_ns + meeting_.limit_ns;
      fail_before(now_ns - meeting_.options.timeout_ns(), now_ns, called_.timeouts);
    }
    tell();
  }

  /// Takes what is here already; or what comes now.
  void take_what_came() { take_all(in_.try_receive()); }
  void take_what_comes() { take_all(in_.receive(0)); }

  /// Fails what is open, as the server is gone; throws where no other can come.
  void lose() {
    if (!meeting_.options.restarts() || called_.reconnects > 0) {
      throw;
    }
    ++called_.reconnects;
    meeting_.lost_ns = platform::now_ns();
    fail_all(meeting_.lost_ns);
    meeting_.line.store(Meeting::Line::kLost, std::memory_order_release);
    tell();
  }

  /// Goes on with the connections that the sender has made.
  void renew() {
    if constexpr (requires { in_.renew(); }) {
      in_.renew();
    }
    fail_all(platform::now_ns());  // what was sent since, and went nowhere
    meeting_.line.store(Meeting::Line::kUp, std::memory_order_release);
    tell();
  }

  /// Call it when both threads have ended.
  const Called& called() const noexcept { return called_; }
  Tally tally() const { return in_.tally(); }

 private:
  static constexpr platform::Nanoseconds kPollNs = 100'000;

  bool is_lost() const noexcept {
    return meeting_.line.load(std::memory_order_acquire) == Meeting::Line::kLost;
  }

  void take_all(Frame frame) {
    for (; frame.is_there(); frame = in_.try_receive()) {
      if (frame.bytes == 0) {
        ++ended_;
        called_.ended_ns = platform::now_ns();
        in_.release(frame);
        continue;
      }
      received_bytes_ = frame.bytes;
      const Error error =
          parser_.parse({frame.text, frame.bytes}, draft_, [this](Draft& draft) { take(draft); });
      called_.broken += error != Error::kNone ? 1 : 0;
      in_.release(frame);
    }
    tell();
  }

  /// Lets the sender know what is over.
  void tell() noexcept {
    meeting_.settled.store(settled_, std::memory_order_release);
    if (meeting_.has_receiver) {
      meeting_.room.wake();
    }
  }

  void fail_all(platform::Nanoseconds now_ns) {
    fail_before(std::numeric_limits<platform::Nanoseconds>::max(), now_ns, called_.lost);
  }

  /// Ends what was sent before then, and counts it in `count`.
  void fail_before(platform::Nanoseconds before_ns, platform::Nanoseconds now_ns,
                   std::uint64_t& count) {
    correlation_.expire(before_ns, [&](const Pending& pending) {
      if (is_measured(pending.number)) {
        ++count;
        recorder_.fail(now_ns);
      }
      ++settled_;
    });
  }

  void take(const Draft& draft) {
    if (!draft.is_reply()) {
      ++called_.broken;
      return;
    }
    if (draft.is_error()) {
      for (std::size_t each = 0; each < Called::kErrors.size(); ++each) {
        const auto code = static_cast<std::int64_t>(Called::kErrors.at(each));
        called_.errors.at(each) += draft.error() == code ? 1 : 0;
      }
    }
    const std::optional<std::int64_t> id = id_of(draft);
    if (!id) {
      return;
    }
    Pending pending;
    switch (look_up(*id, pending)) {
      case Match::kFound:
        end(draft, pending);
        break;
      case Match::kLate:
        ++called_.late;
        break;
      case Match::kUnknown:
        ++called_.unknown;
        break;
    }
  }

  /// The number that an id stands for; none where it is not one of requests.
  std::optional<std::int64_t> id_of(const Draft& draft) {
    const Id& id = draft.id();
    std::int64_t number = id.number;
    if (id.kind == Id::Kind::kNumber) {
      return number;
    }
    if (id.text == kInitialize && id.kind == Id::Kind::kText) {
      called_.broken += draft.is_error() || draft.result() != kProtocol ? 1 : 0;
      meeting_.shaken.fetch_add(1, std::memory_order_release);
      return std::nullopt;
    }
    const char* const end = id.text.data() + id.text.size();
    const bool is_number = std::from_chars(id.text.data(), end, number).ptr == end;
    if (id.kind == Id::Kind::kText && !id.text.empty() && is_number) {
      return number;
    }
    called_.unknown += draft.is_error() ? 0 : 1;
    return std::nullopt;
  }

  Match look_up(std::int64_t id, Pending& pending) {
    constexpr std::uint64_t kEvery = 64;
    if (++lookups_ % kEvery != 0) {
      return correlation_.take(id, pending);
    }
    const platform::Nanoseconds begin_ns = platform::now_ns();
    const Match match = correlation_.take(id, pending);
    called_.lookup.record(static_cast<std::uint64_t>(platform::now_ns() - begin_ns));
    return match;
  }

  /// Ends a request with its reply.
  void end(const Draft& draft, const Pending& pending) {
    done_ns_ = platform::now_ns();
    ++settled_;
    const bool measured = is_measured(pending.number);
    if (done_ns_ - pending.sent_ns > meeting_.options.timeout_ns()) {
      ++called_.late;  // before it was looked for
      if (measured) {
        ++called_.timeouts;
        recorder_.fail(done_ns_);
      }
      return;
    }
    if (draft.is_error()) {
      if (measured) {
        ++called_.failed;
        recorder_.fail(done_ns_);
      }
      return;
    }
    called_.wrong += draft.result() != pending.number + sum_ ? 1 : 0;
    if (!measured) {
      return;
    }
    called_.reply_bytes += std::exchange(received_bytes_, 0);
    CallTimes times{.intended_ns = pending.intended_ns,
                    .sent_ns = pending.sent_ns,
                    .taken_ns = 0,
                    .parsed_ns = 0,
                    .worked_ns = 0,
                    .answered_ns = 0,
                    .done_ns = done_ns_};
    if (recorder_.keeps_next()) {
      const Stamps::Times& known = stamps_.of(pending.number);
      times.taken_ns = known.taken_ns;
      times.parsed_ns = known.parsed_ns;
      times.worked_ns = known.worked_ns;
      times.answered_ns = known.answered_ns;
      recorder_.record(times);
      stamps_.want(recorder_.samples().size() < most_samples_);
    } else {
      recorder_.record(times);
    }
  }

  Meeting& meeting_;
  Correlation& correlation_;
  std::int64_t sum_;
  std::size_t most_samples_;
  std::size_t connections_;
  typename Link::In in_;
  Recorder& recorder_;
  Stamps& stamps_;
  Parser parser_;
  Draft draft_;
  Called called_;
  std::size_t ended_{0};             // connections on which the server has
  std::uint64_t settled_{0};         // requests that are over
  std::uint64_t received_bytes_{0};  // of the message that is being read
  std::uint64_t lookups_{0};
  platform::Nanoseconds done_ns_{0};
  platform::Nanoseconds heard_ns_{0};  // when there was something, or nothing had to be
  platform::Nanoseconds next_look_ns_{0};
};

}  // namespace pipelab::rpc
