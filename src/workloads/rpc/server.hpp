#pragma once

#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <vector>

#include "platform/clock.hpp"
#include "platform/cpu.hpp"
#include "workloads/rpc/called.hpp"
#include "workloads/rpc/link.hpp"
#include "workloads/rpc/message.hpp"
#include "workloads/rpc/options.hpp"
#include "workloads/rpc/stamps.hpp"

namespace pipelab::rpc {

/// Answers what comes over a link, message by message, until the client says on each connection
/// that nothing more does, and then says so as well.
template <class Link, class Parser>
class Server {
 public:
  Server(Link& link, const Options& options, Stamps& stamps, const std::atomic<bool>& gone,
         const std::atomic<bool>& stop)
      : options_(options),
        connections_(link.connections()),
        in_(link, Side::kServer, gone),
        out_(link, Side::kServer, gone),
        stamps_(stamps),
        gone_(gone),
        stop_(stop),
        parser_(options.most_request_bytes()),
        draft_(options.request_bytes()) {
    stamped_.reserve(options.batch);
    if (options.copy == Copy::kOnce) {
      copy_.resize(options.most_request_bytes() + kPadding);
    }
  }

  /// Answers the first call on each connection, before the run starts.
  void shake_hands() {
    while (served_.messages < connections_ && !is_over()) {
      take_message(std::nullopt);
    }
    flush();
  }

  /// Answers all others. Kills this process with the first that comes after then, where that is a
  /// time.
  void run(std::optional<platform::Nanoseconds> dies_ns = std::nullopt) {
    while (ended_ < connections_) {
      take_message(dies_ns);
    }
    flush();
  }

  Served served() const noexcept {
    Served served = served_;
    served.tally.add(out_.tally());
    served.tally.add(in_.tally());
    return served;
  }

 private:
  using Writer = typename Parser::Writer;

  static constexpr std::int64_t kUnknownId = 8'000'000'000'000'000;  // which no client gets to

  /// Relaxed: the flags carry nothing with them.
  bool is_over() const noexcept {
    return stop_.load(std::memory_order_relaxed) || gone_.load(std::memory_order_relaxed);
  }

  /// Waits for a message for a while, and answers it.
  void take_message(std::optional<platform::Nanoseconds> dies_ns) {
    constexpr platform::Nanoseconds kLimitNs = 200'000'000;
    Frame frame = in_.try_receive();
    if (!frame.is_there()) {
      flush();
      frame = in_.receive(kLimitNs);
    }
    if (!frame.is_there()) {
      return;
    }
    connection_ = frame.connection;
    if (frame.bytes > 0) {
      if (dies_ns && platform::now_ns() >= *dies_ns) {
        kill(getpid(), SIGKILL);
      }
      answer(frame);
    } else {
      ++ended_;
      out_.send(begin(), 0);
    }
    in_.release(frame);
  }

  void answer(const Frame& frame) {
    taken_ns_ = stamps_.wanted() ? platform::now_ns() : 0;
    ++served_.messages;
    char* const buffer = begin();
    Writer writer(buffer);
    const bool batch = Parser::is_batch({frame.text, frame.bytes});
    if (batch) {
      writer.begin_batch();
    }
    const std::size_t nothing = writer.bytes();
    stamped_.clear();
    repeated_ = false;
    std::size_t objects = 0;
    const Error whole = parser_.parse(text_of(frame), draft_, [&](Draft& draft) {
      if (objects++ < options_.batch) {
        answer_one(draft, writer);
      }
    });
    if (whole != Error::kNone || objects > options_.batch) {
      // What was written before its end was seen to be wrong does not count.
      ++served_.refused;
      Writer alone(buffer);
      alone.error({}, whole != Error::kNone ? whole : Error::kInvalidRequest);
      hand_over(buffer, alone.bytes());
      return;
    }
    if (writer.bytes() == nothing) {
      out_.give_back(buffer);
      return;
    }
    if (batch) {
      writer.end_batch();
    }
    hand_over(buffer, writer.bytes());
    if (repeated_) {
      char* const again = begin();
      Writer second(again);
      second.result(repeated_id_, repeated_result_);
      hand_over(again, second.bytes());
    }
  }

  /// What is parsed: the message where it lies, or a copy.
  std::span<char> text_of(const Frame& frame) {
    if (copy_.empty()) {
      return {frame.text, frame.bytes};
    }
    std::memcpy(copy_.data(), frame.text, frame.bytes);
    return {copy_.data(), frame.bytes};
  }

  void answer_one(const Draft& draft, Writer& writer) {
    const Error error = draft.judge_request();
    if (error != Error::kNone) {
      ++served_.refused;
      // Where it is no request nobody can be sure of its id.
      writer.error(error == Error::kInvalidRequest ? Id{} : draft.id(), error);
      return;
    }
    const platform::Nanoseconds parsed_ns = taken_ns_ > 0 ? platform::now_ns() : 0;
    const std::int64_t result = draft.is_handshake() ? kProtocol : draft.sum();
    if (!work()) {
      return;
    }
    ++served_.requests;
    if (taken_ns_ > 0) {
      Stamps::Times& times = stamps_.of(draft.first_argument());
      times = {.number = draft.first_argument(),
               .taken_ns = taken_ns_,
               .parsed_ns = parsed_ns,
               .worked_ns = platform::now_ns(),
               .answered_ns = 0};
      stamped_.push_back(&times);
    }
    if (draft.id().kind != Id::Kind::kNone) {
      reply(draft, result, writer);
    }
  }

  /// Writes the reply, or what a fault makes of it.
  void reply(const Draft& draft, std::int64_t result, Writer& writer) {
    const bool is_wrong = options_.fault && options_.fault->is_of_server() &&
                          !draft.is_handshake() && ++replies_ % options_.fault->every == 0;
    const Fault::What what = is_wrong ? options_.fault->what : Fault::What::kParse;
    if (what == Fault::What::kDrop) {
      return;
    }
    if (what == Fault::What::kLate) {
      platform::sleep_for(options_.timeout_ns() + options_.timeout_ns() / 2, stop_);
    }
    if (what == Fault::What::kTwice || what == Fault::What::kUnknown) {
      const Id unknown{.kind = Id::Kind::kNumber, .number = kUnknownId};
      repeated_id_ = what == Fault::What::kTwice ? draft.id() : unknown;
      repeated_result_ = result;
      if (options_.batch > 1) {  // as a part of this one
        writer.result(repeated_id_, result);
      } else {
        repeated_ = true;  // in a message of its own
      }
    }
    writer.result(draft.id(), result);
  }

  /// False where the run was over before that was done: there is no reply then.
  bool work() const noexcept {
    if (options_.work_ns > 0) {
      const platform::Nanoseconds until_ns = platform::now_ns() + options_.work_ns;
      while (platform::now_ns() < until_ns) {
        if (is_over()) {
          return false;
        }
        platform::spin_hint();
      }
    }
    return true;
  }

  /// Waits for room where there is none: the client reads all that it gets.
  char* begin() {
    constexpr platform::Nanoseconds kLimitNs = 1'000'000;
    char* buffer = nullptr;
    while ((buffer = out_.begin(connection_)) == nullptr) {
      static_cast<void>(out_.flush());
      out_.wait(kLimitNs);
    }
    return buffer;
  }

  void hand_over(char* buffer, std::size_t bytes) {
    if (!stamped_.empty()) {
      const platform::Nanoseconds now_ns = platform::now_ns();
      for (Stamps::Times* times : stamped_) {
        times->answered_ns = now_ns;
      }
      stamped_.clear();  // the client reads them from now on, also where another reply follows
    }
    out_.send(buffer, bytes);
  }

  void flush() {
    constexpr platform::Nanoseconds kLimitNs = 1'000'000;
    while (!out_.flush()) {
      out_.wait(kLimitNs);
    }
  }

  const Options& options_;
  std::size_t connections_;
  std::size_t ended_{0};  // of them
  typename Link::In in_;
  typename Link::Out out_;
  Stamps& stamps_;
  const std::atomic<bool>& gone_;
  const std::atomic<bool>& stop_;
  Parser parser_;
  Draft draft_;
  Served served_;
  std::vector<char> copy_;               // of a message, where one is made
  std::size_t connection_{0};            // on which the message came that is answered
  std::vector<Stamps::Times*> stamped_;  // of this message
  platform::Nanoseconds taken_ns_{0};    // this message; 0: nobody wants to know
  std::uint64_t replies_{0};             // where some are to go wrong
  bool repeated_{false};                 // another reply follows
  Id repeated_id_;
  std::int64_t repeated_result_{0};
};

}  // namespace pipelab::rpc
