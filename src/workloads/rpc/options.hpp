#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "cli/options.hpp"
#include "platform/clock.hpp"
#include "threads/waiter.hpp"
#include "workload.hpp"

namespace pipelab::rpc {

using threads::Wait;

enum class Peer { kThread, kProcess };
enum class Transport { kRings, kPipe, kUnix, kTcp };
enum class Shape { kSmall, kLarge, kString };
enum class Json { kSimdjson, kRapidjson, kNone };
enum class Ids { kNumber, kString };
enum class Correlate { kSlots, kMap, kSharded, kTbb };
enum class Copy { kNone, kOnce };
enum class Pool { kReturnRing, kSharedStack, kMalloc, kMimalloc };

/// What goes wrong with one request of so many: what the client sends beside it, or what the server
/// makes of it; or that the server dies, once.
struct Fault {
  enum class What { kParse, kInvalid, kMethod, kParams, kDrop, kTwice, kUnknown, kLate, kKill };

  What what{What::kParse};
  std::uint64_t every{1};
  double at_s{0};  ///< kKill: after the begin of what is measured

  bool is_of_client() const noexcept { return what < What::kDrop; }
  bool is_of_server() const noexcept { return !is_of_client() && what != What::kKill; }
};

/// What an rpc has beside the kit's options.
struct Options {
  Peer peer{Peer::kThread};
  Transport transport{Transport::kRings};
  std::size_t connections{1};
  Shape shape{Shape::kSmall};
  std::optional<std::size_t> bytes{};  ///< of a request; none: what the shape usually has
  std::size_t batch{1};                ///< requests a message
  Json parser{Json::kSimdjson};
  Copy copy{Copy::kNone};  ///< of a message, before the server parses it
  Ids ids{Ids::kNumber};
  std::size_t window{64};  ///< requests without a reply, at most
  Correlate correlate{Correlate::kSlots};
  Pool pool{Pool::kReturnRing};
  std::int64_t work_ns{0};       ///< that the server works on a request
  std::size_t timeout_ms{1000};  ///< after which a request has failed
  std::optional<Wait> wait{};    ///< at rings; none: adaptive
  std::optional<Fault> fault{};
  threads::RoleOptions client{};
  threads::RoleOptions server{};

  /// How long a request is.
  std::size_t request_bytes() const noexcept {
    constexpr std::size_t kSmallBytes = 206;
    constexpr std::size_t kLargeBytes = 806;
    constexpr std::size_t kStringBytes = 65'536;
    return bytes.value_or(shape == Shape::kSmall   ? kSmallBytes
                          : shape == Shape::kLarge ? kLargeBytes
                                                   : kStringBytes);
  }

  /// How long messages can be, with what stands around requests and replies.
  std::size_t most_request_bytes() const noexcept {
    return batch * (std::max<std::size_t>(request_bytes(), kSpareBytes) + 1) + kSpareBytes;
  }
  std::size_t most_reply_bytes() const noexcept { return (batch + 2) * kMostReplyBytes; }

  /// How many messages are on their way in one direction, at most, with those that are no requests
  /// of the schedule, and those that came too late.
  std::size_t messages() const noexcept { return window / batch + window / batch / 4 + 16; }

  /// How many files one process has open.
  std::size_t files() const noexcept {
    constexpr std::size_t kOthers = 64;
    return (transport == Transport::kPipe ? 4 : 2) * connections + kOthers;
  }

  /// Whether another server takes the place of one that died.
  bool restarts() const noexcept { return fault && fault->what == Fault::What::kKill; }

  /// Whether buffers come from a stock that was made before, which alone another process has.
  bool has_stock() const noexcept {
    return transport == Transport::kRings &&
           (pool == Pool::kReturnRing || pool == Pool::kSharedStack);
  }

  platform::Nanoseconds timeout_ns() const noexcept {
    return static_cast<platform::Nanoseconds>(timeout_ms) * 1'000'000;
  }

  /// For how long a server that is well may say and take nothing: a message's work, and a long
  /// moment.
  platform::Nanoseconds most_silence_ns() const noexcept {
    return 30 * platform::kNanosecondsPerSecond +
           static_cast<platform::Nanoseconds>(batch) *
               (work_ns + (fault && fault->what == Fault::What::kLate ? 2 * timeout_ns() : 0));
  }

  static constexpr std::size_t kSpareBytes = 256;
  static constexpr std::size_t kMostReplyBytes = 512;  ///< of one request, whatever its id
};

inline constexpr std::size_t kMostWindow = 131'072;
inline constexpr std::size_t kMostConnections = 1000;
inline constexpr std::size_t kMostBatch = 1000;
inline constexpr std::size_t kLeastBytes = 128;
inline constexpr std::size_t kMostBytes = 10'000'000;

void add_options(cli::Options& all, Options& options);

/// What is wrong with the options, together with the kit's; empty if nothing is.
std::string conflict(const Options& options, const Kit& kit);

/// Reads `drop:EVERY`, and so on, and `kill-server@SECONDS`.
std::optional<Fault> to_fault(std::string_view text);

}  // namespace pipelab::rpc
