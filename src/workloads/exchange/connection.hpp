#pragma once

#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>

namespace pipelab::exchange {

/// The two who use a connection. The caller says the first word.
enum class Side : std::size_t { kCaller, kResponder };

constexpr Side other(Side side) noexcept {
  return side == Side::kCaller ? Side::kResponder : Side::kCaller;
}

/// What a side did to wait and to wake, in the whole of a run.
struct Tally {
  std::uint64_t parks{0};         ///< it fell asleep
  std::uint64_t wakes{0};         ///< system calls by which it woke the other
  std::uint64_t system_calls{0};  ///< all of both kinds, and yields
  std::uint64_t late_finds{0};    ///< sleeps whose time was up when there was something to find
};

// A connection is what joins a caller and a responder. It is made before the processes part; each
// then takes its end of it. An end has these:
//
//     begin(), end()                   around a call that is not within another
//     write(kind, use), read(kind, use)  call use(i, word i) for the payload of what is said
//     say(kind)                        hands over the turn, and the payload with it
//     listen()                         waits for the turn; returns what the other side said
//     tally()
//
// Where responders may fail, a request is a lease: an answer counts only while the slot still has
// the request's word, and a caller that gives up takes that away. Two more for ends of such
// connections:
//
//     answer(kind)                     as say(), unless the lease is gone: false
//     revoke()                         takes the lease away; whether the answer was there before
//
// keep(side) says that this process has that end only, and rouse(side) wakes who sleeps there.
// listen() throws CallFailed.

/// Thrown by who waits for the other side and need not any more.
class CallFailed : public std::runtime_error {
 public:
  /// The other side's process has ended; its time was up; it broke the protocol.
  enum class Why : std::size_t { kDied, kLate, kBroken };

  CallFailed(Why why, const std::string& what) : std::runtime_error(what), why_(why) {}

  Why why() const noexcept { return why_; }

 private:
  Why why_;
};

inline constexpr std::size_t kWhys = 3;

}  // namespace pipelab::exchange
