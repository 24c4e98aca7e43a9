#pragma once

#include <cstddef>
#include <cstdint>

#include "threads/peer_gone.hpp"

namespace pipelab::rpc {

using threads::PeerGone;

enum class Side : std::size_t { kClient, kServer };

/// A message that came, and lies where it is to be read until it is released. One without text says
/// that none came in time; one without bytes that no more will come.
struct Frame {
  char* text{nullptr};
  std::uint32_t bytes{0};
  std::int32_t cpu{-1};         ///< of its sender, where that is known
  std::uint32_t connection{0};  ///< on which it came

  bool is_there() const noexcept { return text != nullptr; }
};

/// How many bytes can be read, and for a while written, behind a message: what a parser that takes
/// a register at a time wants.
inline constexpr std::size_t kPadding = 64;

/// What a side did to hand over messages, in the whole of a run.
struct Tally {
  std::uint64_t system_calls{0};  ///< to sleep, wake, yield, read, write and wait
  std::uint64_t buffers{0};       ///< that were taken from a pool
  std::uint64_t hits{0};          ///< of these, those that had come back to it
  std::uint64_t most_out{0};      ///< buffers of a pool that were out together

  void add(const Tally& other) noexcept {
    system_calls += other.system_calls;
    buffers += other.buffers;
    hits += other.hits;
    most_out = most_out > other.most_out ? most_out : other.most_out;
  }
};

// A link is what joins a client and a server, by one connection or many. It is made before the
// processes part; each then takes its ends of it, Out(link, side, gone) and In(link, side, gone),
// which may be in two threads.
//
//     Out: begin(connection)  a buffer for a message; null where there is none for now
//          give_back(buffer)  where it is not needed after all
//          send(buffer, bytes)  hands it over; of 0 bytes: nothing more comes
//          flush()            wakes or writes; false where some of it is still here
//          wait(limit_ns)     where it is: until there is room again
//     In:  try_receive()      a Frame that is here already
//          receive(limit_ns)  waits for one, for about as long
//          release(frame)
//     both: tally()
//
// open(side) comes before a side's ends are taken. keep(side) says that this process has that side
// only, rouse() wakes all who wait, and shut(side) lets the other side see that this one is gone.
// Who waits for one that is gone gets a PeerGone.

}  // namespace pipelab::rpc
