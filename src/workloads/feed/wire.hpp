#pragma once

#include <cstddef>

#include "threads/peer_gone.hpp"

namespace pipelab::feed {

using threads::PeerGone;

// A wire joins a server with its clients, which have numbers:
//
//     Wire(options, shared)          before the processes part; with memory that both have
//     shut()                         nobody can join any more
//     Wire::Server(wire)             the server's side, in its thread:
//       poll(limit_ns, use)          waits until something happens, or the time is up, and calls
//                                    use.joined(client), use.left(client), use.writable(client)
//       write(client, bytes)         returns how many bytes had room, or kGone
//       flush()                      lets clients know what was written
//       close(client)
//     Wire::Clients(wire, loop)      a loop of clients, in its thread:
//       connect(client)              false where nobody takes it
//       read(client, bytes)          returns how many bytes came, 0 if none is there, or kGone
//       reads_all()                  whether a client has to read until none is there
//       wait(limit_ns, ready)        calls ready(client) for those that may have something
//       pause(client), resume(client)  it is not to be called for
//       close(client)
//     system_calls()                 of either

/// That the other side has closed a connection, in place of a number of bytes.
inline constexpr std::ptrdiff_t kGone = -1;

}  // namespace pipelab::feed
