#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "platform/clock.hpp"
#include "workloads/feed/decoder.hpp"
#include "workloads/feed/gaps.hpp"
#include "workloads/feed/message.hpp"
#include "workloads/feed/options.hpp"

namespace pipelab::feed {

/// What clients count, of the whole run.
struct Received {
  std::uint64_t messages{0};  ///< that came in their turn
  std::uint64_t snapshot{0};  ///< that came before these, to say what is known
  std::uint64_t gaps{0};
  std::uint64_t missing{0};  ///< in these
  std::uint64_t repeated{0};
  std::uint64_t unknown_symbols{0};
  Damage damage;
  std::uint64_t reconnects{0};
  platform::Nanoseconds away_ns{0};      ///< in all of them, until it was known what comes next
  platform::Nanoseconds back_off_ns{0};  ///< of that, before a connection was tried
  platform::Nanoseconds connect_ns{0};   ///< of that, to connect
  std::uint64_t system_calls{0};
  std::uint64_t not_ended{0};    ///< clients that were not told that nothing more comes
  std::uint64_t unaccounted{0};  ///< messages that neither came nor are known to be missing

  void add(const Received& other) noexcept {
    messages += other.messages;
    snapshot += other.snapshot;
    gaps += other.gaps;
    missing += other.missing;
    repeated += other.repeated;
    unknown_symbols += other.unknown_symbols;
    damage.add(other.damage);
    reconnects += other.reconnects;
    away_ns += other.away_ns;
    back_off_ns += other.back_off_ns;
    connect_ns += other.connect_ns;
    system_calls += other.system_calls;
    not_ended += other.not_ended;
    unaccounted += other.unaccounted;
  }
};

/// A client of a feed: what it has read, and what it knows of what it should have.
template <class Cache>
struct Client {
  enum class State {
    kAway,   ///< without a connection
    kStale,  ///< connected; what comes next is not known
    kLive,
    kEnded,
  };

  Client(std::size_t which, const Options& options)
      : number(which),
        is_stuck(options.is_stuck(which)),
        decoder(options.checksum),
        cache(options.symbols) {}

  std::size_t number;
  bool is_stuck;  ///< for a while, for which it is not measured at all
  Decoder decoder;
  Gaps gaps;
  Cache cache;
  State state{State::kAway};
  std::array<std::byte, frame::kBytes> rest{};  ///< of what was read: less than a frame
  std::size_t rest_bytes{0};
  platform::Nanoseconds lost_ns{0};  ///< when the connection was; 0: there was none
  platform::Nanoseconds retry_ns{0};
  platform::Nanoseconds back_off_ns{0};  ///< before the next try
  Received received;
};

}  // namespace pipelab::feed
