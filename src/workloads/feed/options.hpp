#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "cli/options.hpp"
#include "platform/clock.hpp"
#include "threads/waiter.hpp"
#include "workload.hpp"
#include "workloads/feed/checksum.hpp"

namespace pipelab::feed {

using threads::Wait;

enum class Transport { kUnix, kTcp, kShm };
enum class Io { kEpollEdge, kEpollLevel, kSpin };
enum class Guard { kSeqlock, kMutex, kSharedMutex };
enum class SlowPolicy { kWait, kDrop, kConflate, kDisconnect };

/// When the server hands over what it has made.
struct Batch {
  enum class Kind {
    kNow,    ///< each message at once
    kDue,    ///< when none that is due has still to be made
    kCount,  ///< so many together
    kTime,   ///< so many microseconds after the first of them was made
  };

  Kind kind{Kind::kDue};
  std::int64_t amount{1};  ///< of kCount and kTime
};

/// What goes wrong: with every so manieth message, or once, so long after the begin.
struct Fault {
  enum class What { kGap, kCorrupt, kLength, kType, kStuck, kKill };

  What what{What::kGap};
  std::uint64_t every{1};  ///< of the first four
  double at_s{0};          ///< of the others

  bool spoils() const noexcept { return what > What::kGap && what < What::kStuck; }
};

/// What a feed has beside the kit's options.
struct Options {
  std::size_t clients{1};
  std::size_t client_loops{1};
  Transport transport{Transport::kUnix};
  std::optional<Io> io{};      ///< of sockets; none: epoll-edge
  std::optional<Wait> wait{};  ///< over shared memory; none: adaptive
  std::size_t symbols{100};
  Checksum checksum{Checksum::kCrc32c};
  Batch batch{};
  SlowPolicy slow_policy{SlowPolicy::kWait};
  std::size_t out_limit{65'536};  ///< bytes
  Guard cache{Guard::kSeqlock};
  std::optional<std::int64_t> display_ms{};
  std::optional<Fault> fault{};
  std::optional<std::int64_t> back_off_ms{};  ///< none: 10
  threads::RoleOptions client{};
  threads::RoleOptions server{};

  bool has(Fault::What what) const noexcept { return fault && fault->what == what; }

  /// Whether a client can lose its connection, and gets another.
  bool reconnects() const noexcept {
    return slow_policy == SlowPolicy::kDisconnect || has(Fault::What::kKill);
  }

  /// Whether the server keeps the last message of each symbol, for who comes late.
  bool keeps_latest() const noexcept {
    return reconnects() || slow_policy == SlowPolicy::kConflate;
  }

  /// Whether it is the client that reads nothing for a while: the last, where there is one.
  bool is_stuck(std::size_t number) const noexcept {
    return has(Fault::What::kStuck) && number + 1 == clients;
  }
};

inline constexpr std::int64_t kBackOffMs = 10;  ///< where no other is given
inline constexpr std::size_t kMostClients = 500;
inline constexpr std::size_t kMostLoops = 16;
inline constexpr std::size_t kMostSymbols = 10'000;
inline constexpr std::int64_t kMostBatch = 1'024;  ///< messages

void add_options(cli::Options& all, Options& options);

/// What is wrong with the options, together with the kit's; empty if nothing is.
std::string conflict(const Options& options, const Kit& kit);

/// Reads `now`, `due`, a number of messages, or `MICROSECONDSus`.
std::optional<Batch> to_batch(std::string_view text);

/// Reads `gap:EVERY` and so on, `stuck@SECONDS` and `kill-server@SECONDS`.
std::optional<Fault> to_fault(std::string_view text);

}  // namespace pipelab::feed
