#pragma once

#include <algorithm>
#include <atomic>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <type_traits>
#include <utility>

#include "load/pacing.hpp"
#include "load/phases.hpp"
#include "platform/clock.hpp"
#include "threads/parking_spot.hpp"
#include "workload.hpp"
#include "workloads/rpc/body.hpp"
#include "workloads/rpc/call_times.hpp"
#include "workloads/rpc/called.hpp"
#include "workloads/rpc/correlation.hpp"
#include "workloads/rpc/link.hpp"
#include "workloads/rpc/message.hpp"
#include "workloads/rpc/options.hpp"
#include "workloads/rpc/stamps.hpp"

namespace pipelab::rpc {

/// Sends a run's requests, in messages of so many, and takes the replies to them: both in one
/// thread, which sends as soon as there is room in the window; or, on a schedule, in two, so that
/// neither a reply nor a request waits for the other.
template <class Link, class Parser, class Correlation>
class Client {
 public:
  Client(Link& link, const Kit& kit, const Options& options, Recorder& recorder, Stamps& stamps,
         const std::atomic<bool>& gone, const std::atomic<bool>& stop)
      : kit_(kit),
        options_(options),
        in_(link, Side::kClient, gone),
        out_(link, Side::kClient, gone),
        recorder_(recorder),
        stamps_(stamps),
        gone_(gone),
        stop_(stop),
        body_(make_body(options, kit.load.seed)),
        correlation_(options.window),
        parser_(options.most_reply_bytes()),
        draft_(1),
        limit_ns_(
            std::clamp<platform::Nanoseconds>(options.timeout_ns() / 4, 1'000'000, 100'000'000)) {
    stamps.want(kit.record.samples() > 0);
  }

  /// Whether another thread takes the replies.
  bool has_receiver() const noexcept { return kit_.load.has_schedule(); }

  /// The sender's part of the run.
  void send_all(const load::Phases& phases) {
    shake_hands();
    called_.missed =
        load::make_share(kit_.load, {}, phases, stop_, [&](auto& pacing, bool measures) {
          next_number_ = measures ? kFirstMeasured : kFirstNumber;
          make_phase(pacing);
          finish_message();
          flush();
          // What the warm-up left open is not waited for longer than it is quiet after it.
          wait_until([this, measures, &phases] {
            return sent_ == settled() || (!measures && platform::now_ns() >= phases.quiet_ns);
          });
        });
    say_end();
  }

  /// The receiver's part of it, where it has a thread of its own.
  void receive_all() {
    while (!has_ended_ && !is_given_up_) {
      receive();
    }
  }

  /// Lets the receiver end, where the sender has failed, and the other way around.
  void give_up() noexcept {
    is_given_up_ = true;
    room_.wake();
  }

  /// Call it when both threads have ended.
  Called called() const {
    Called called = called_;
    called.sent = sent_;
    called.settled = settled();
    called.bytes += sent_bytes_;
    called.tally.add(in_.tally());
    called.tally.add(out_.tally());
    return called;
  }

 private:
  using Writer = typename Parser::Writer;

  // Sending.

  template <class Pacing>
  void make_phase(Pacing& pacing) {
    constexpr bool kCloses = std::is_same_v<Pacing, load::Unpaced>;
    while (goes_on()) {
      if (kCloses) {
        find_room();  // before its turn: a closed loop intends a request when it can make it
      }
      std::optional<load::Turn> turn = pacing.next(stop_);
      if (!turn) {
        return;
      }
      if (!kCloses && !has_room()) {
        find_room();
        turn->created_ns = platform::now_ns();
      }
      send(*turn);
      if (!kCloses) {
        flush();
      }
    }
  }

  // Relaxed: the flag carries nothing with it.
  bool goes_on() const noexcept {
    return !stop_.load(std::memory_order_relaxed) && !is_given_up_.load(std::memory_order_relaxed);
  }

  /// Acquire: the place of a request that is over can be used again.
  std::uint64_t settled() const noexcept { return settled_.load(std::memory_order_acquire); }

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
    while (!ready() && goes_on()) {
      if (gone_.load(std::memory_order_relaxed)) {
        throw PeerGone("the server is gone");
      }
      if (has_receiver()) {
        static_cast<void>(room_.park([&] { return ready() || !goes_on(); }, limit_ns_));
      } else {
        receive();
      }
    }
  }

  void send(const load::Turn& turn) {
    if (options_.fault && !options_.fault->is_of_server() &&
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
    called_.most_pending = std::max(called_.most_pending, sent_ - settled());
    if (++in_message_ == options_.batch) {
      finish_message();
    }
  }

  void begin_message() {
    while ((buffer_ = out_.begin()) == nullptr) {
      make_way();
    }
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

  /// Where what was sent has no room: the server has to take of it, and may have to hand over
  /// replies first.
  void make_way() {
    constexpr platform::Nanoseconds kLimitNs = 1'000'000;
    check_end(platform::now_ns());
    static_cast<void>(out_.flush());
    if (!has_receiver()) {
      take_all(in_.try_receive());
    }
    out_.wait(kLimitNs);
    if (!has_receiver()) {
      take_all(in_.receive(0));
    }
  }

  void flush() {
    while (!out_.flush()) {
      make_way();
    }
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

  void shake_hands() {
    const platform::Nanoseconds begin_ns = platform::now_ns();
    begin_message();
    writer_.handshake();
    finish_message();
    flush();
    wait_until([this] { return has_shaken_.load(std::memory_order_acquire); });
    called_.handshake_ns = platform::now_ns() - begin_ns;
  }

  /// Says that nothing more comes, and takes what still does until the server says so, too.
  void say_end() {
    constexpr platform::Nanoseconds kPatienceNs = 2 * platform::kNanosecondsPerSecond;
    end_by_ns_.store(platform::now_ns() + kPatienceNs, std::memory_order_relaxed);
    char* buffer = nullptr;
    while ((buffer = out_.begin()) == nullptr) {
      make_way();
    }
    out_.send(buffer, 0);
    flush();
    while (!has_receiver() && !has_ended_) {
      receive();
    }
  }

  // Receiving.

  /// Takes what is there, or comes within a while; then ends what waited for too long.
  void receive() {
    Frame frame = in_.try_receive();
    if (!frame.is_there()) {
      frame = in_.receive(limit_ns_);
    }
    const bool any = frame.is_there();
    take_all(frame);
    const platform::Nanoseconds now_ns = any ? done_ns_ : platform::now_ns();
    check_end(now_ns);
    if (now_ns >= next_look_ns_) {
      next_look_ns_ = now_ns + limit_ns_;
      correlation_.expire(now_ns - options_.timeout_ns(), [this, now_ns](const Pending& pending) {
        if (is_measured(pending.number)) {
          ++called_.timeouts;
          recorder_.fail(now_ns);
        }
        ++settled_own_;
      });
    }
    tell();
  }

  /// Throws where the server was to end, and has not.
  void check_end(platform::Nanoseconds now_ns) const {
    // Relaxed: a time, and nothing with it.
    const platform::Nanoseconds by_ns = end_by_ns_.load(std::memory_order_relaxed);
    if (by_ns > 0 && now_ns > by_ns) {
      throw PeerGone("the server was told that nothing more comes, and does not end");
    }
  }

  void take_all(Frame frame) {
    for (; frame.is_there(); frame = in_.try_receive()) {
      if (frame.bytes == 0) {
        has_ended_ = true;
        in_.release(frame);
        break;
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
    settled_.store(settled_own_, std::memory_order_release);
    if (has_receiver()) {
      room_.wake();
    }
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
      has_shaken_.store(true, std::memory_order_release);
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
    ++settled_own_;
    const bool measured = is_measured(pending.number);
    called_.bytes += measured ? std::exchange(received_bytes_, 0) : 0;
    if (draft.is_error()) {
      if (measured) {
        ++called_.failed;
        recorder_.fail(done_ns_);
      }
      return;
    }
    called_.wrong += draft.result() != pending.number + body_.sum ? 1 : 0;
    if (!measured) {
      return;
    }
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
      stamps_.want(recorder_.samples().size() < kit_.record.samples());
    } else {
      recorder_.record(times);
    }
  }

  const Kit& kit_;
  const Options& options_;
  typename Link::In in_;
  typename Link::Out out_;
  Recorder& recorder_;
  Stamps& stamps_;
  const std::atomic<bool>& gone_;
  const std::atomic<bool>& stop_;
  Body body_;
  Correlation correlation_;
  Parser parser_;
  Draft draft_;
  platform::Nanoseconds limit_ns_;  // of a wait, so that time-outs are seen
  Called called_;
  std::atomic<bool> is_given_up_{false};
  std::atomic<bool> has_shaken_{false};
  std::atomic<platform::Nanoseconds> end_by_ns_{0};  // the server is to end; 0: not yet

  // The sender's.
  Writer writer_{nullptr};
  char* buffer_{nullptr};  // of the message that was begun
  std::size_t in_message_{0};
  std::int64_t next_number_{kFirstNumber};
  std::uint64_t sent_{0};
  std::uint64_t sent_bytes_{0};

  // The receiver's.
  alignas(platform::kDestructiveInterference) std::uint64_t settled_own_{0};
  bool has_ended_{false};            // the server
  std::uint64_t received_bytes_{0};  // of the message that is being read
  std::uint64_t lookups_{0};
  platform::Nanoseconds done_ns_{0};
  platform::Nanoseconds next_look_ns_{0};

  // Between the two.
  alignas(platform::kDestructiveInterference) std::atomic<std::uint64_t> settled_{0};
  threads::ParkingSpot room_;
};

}  // namespace pipelab::rpc
