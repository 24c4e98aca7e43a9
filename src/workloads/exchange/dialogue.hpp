#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <utility>
#include <vector>

#include "workloads/exchange/connection.hpp"
#include "workloads/exchange/options.hpp"
#include "workloads/exchange/word.hpp"

namespace pipelab::exchange {

/// What went over an end of a connection, in the whole of a run.
struct Account {
  std::uint64_t calls{0};    ///< that were made there
  std::uint64_t replies{0};  ///< that they got
  std::uint64_t answers{0};  ///< that were given there, and counted
  std::uint64_t refused{0};  ///< answers that came too late
  Tally tally{};

  void add(const Account& other) noexcept {
    calls += other.calls;
    replies += other.replies;
    answers += other.answers;
    refused += other.refused;
    tally.parks += other.tally.parks;
    tally.wakes += other.tally.wakes;
    tally.system_calls += other.tally.system_calls;
    tally.late_finds += other.tally.late_finds;
  }
};

/// What is said over an end of a connection: calls and answers, where the answer to one may have to
/// wait for calls that are made within it. The payload of a request is its number, in all words,
/// and that of a reply all bits that the request had not.
template <class End>
class Dialogue {
 public:
  /// An answer here makes calls that are nested so deep: over this end, or another.
  Dialogue(End end, const Options& options, std::size_t depth)
      : end_(std::move(end)),
        own_(options.zero_copy ? 0 : options.payload_words()),
        depth_(depth) {}

  /// Makes the calls within answers over `onwards`.
  void call_over(Dialogue& onwards) noexcept { onwards_ = &onwards; }

  // Calls within calls: as deep as the options say.
  // NOLINTBEGIN(misc-no-recursion)

  /// Calls, and returns when the reply was read. What is called from there meanwhile is answered.
  /// Numbers grow, and leave room for those of the calls within.
  void call(std::uint64_t number, std::size_t level = 0) {
    if (level == 0) {
      end_.begin();
    }
    say(Kind::kRequest, number);
    ++account_.calls;
    for (Kind kind = end_.listen(); kind != Kind::kReply; kind = end_.listen()) {
      answer(level + 1);
    }
    take_reply(number);
    if (level == 0) {
      end_.end();
    }
  }

  /// Waits for a call; false when there will be none any more.
  bool wait_for_call() {
    pass(Mark::kWaiting);
    return end_.listen() == Kind::kRequest;
  }

  /// Lets answers count only as long as the caller waits for them. `at` is called in each state of
  /// an answer, for those who do something to this side there, and want to see what comes of it.
  void answer_on_lease(const std::function<void(Mark)>& at) {
    leased_ = true;
    at_ = at;
  }

  /// Answers the call that came. Calls `answered(number)` just before it hands over the reply.
  /// False when that came too late to count.
  template <class Answered>
  bool answer(std::size_t level, Answered answered) {
    pass(Mark::kTaken);
    const std::uint64_t number = read(Kind::kRequest);
    pass(Mark::kRead);
    expect(number > last_, "a request came twice, or too late");
    last_ = number;
    if (level < depth_) {
      if (onwards_ == nullptr) {
        call(number + 1, level + 1);
      } else {
        onwards_->call(number + 1);
      }
    }
    answered(number);
    write(Kind::kReply, ~number);
    pass(Mark::kWritten);
    bool counts = true;
    if constexpr (requires { end_.answer(Kind::kReply); }) {
      counts = leased_ ? end_.answer(Kind::kReply) : (end_.say(Kind::kReply), true);
    } else {
      end_.say(Kind::kReply);
    }
    pass(Mark::kSaid);
    ++(counts ? account_.answers : account_.refused);
    return counts;
  }
  bool answer(std::size_t level = 0) {
    return answer(level, [](std::uint64_t /*number*/) {});
  }
  // NOLINTEND(misc-no-recursion)

  /// Gives up the call that failed. False when it was answered all the same, which counts.
  bool give_up(std::uint64_t number) requires requires(End end) { end.revoke(); }
  {
    if (!end_.revoke()) {
      return true;
    }
    try {
      take_reply(number);
      return false;
    } catch (const CallFailed&) {
      return true;
    }
  }

  /// Says that there will be no more calls.
  void close() { say(Kind::kClose, 0); }

  Account account() const noexcept {
    Account account = account_;
    account.tally = end_.tally();
    return account;
  }

 private:
  static void expect(bool holds, const char* otherwise) {
    if (!holds) {
      throw CallFailed(CallFailed::Why::kBroken, otherwise);
    }
  }

  void take_reply(std::uint64_t number) {
    expect(read(Kind::kReply) == ~number, "a reply is to another call");
    ++account_.replies;
  }

  void pass(Mark mark) const {
    if (leased_ && at_) {
      at_(mark);
    }
  }

  void say(Kind kind, std::uint64_t number) {
    write(kind, number);
    end_.say(kind);
  }

  void write(Kind kind, std::uint64_t number) {
    if (own_.empty()) {
      end_.write(kind, [number](std::size_t /*at*/) { return number; });
    } else {
      own_.assign(own_.size(), number);
      end_.write(kind, [this](std::size_t at) { return own_[at]; });
    }
  }

  /// The number in a payload; each word is read once, since the other side may change it.
  std::uint64_t read(Kind kind) {
    std::uint64_t number = 0;
    std::uint64_t differences = 0;
    const auto look = [&](std::size_t at, std::uint64_t word) {
      number = at == 0 ? word : number;
      differences |= word ^ number;
    };
    if (own_.empty()) {
      end_.read(kind, look);
    } else {
      end_.read(kind, [this](std::size_t at, std::uint64_t word) { own_[at] = word; });
      for (std::size_t at = 0; at < own_.size(); ++at) {
        look(at, own_[at]);
      }
    }
    expect(differences == 0, "a payload came torn");
    return number;
  }

  End end_;
  std::vector<std::uint64_t> own_;  // empty: payloads are written and read in place
  std::size_t depth_;
  Dialogue* onwards_{nullptr};
  bool leased_{false};
  std::function<void(Mark)> at_;
  std::uint64_t last_{0};
  Account account_;
};

}  // namespace pipelab::exchange
