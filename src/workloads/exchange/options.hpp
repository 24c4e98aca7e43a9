#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "cli/options.hpp"
#include "platform/clock.hpp"
#include "threads/waiter.hpp"
#include "workload.hpp"

namespace pipelab::exchange {

using threads::Wait;

enum class Responder { kProcess, kThread, kGo };
enum class Transport { kSlot, kQueues, kFutex, kEventfd, kPipe, kUnix, kTcp };  // in this order
enum class Layout { kLines, kSplit, kClaimed };
enum class Callback { kNone, kReentrant, kListener };

/// What is done to the responders' process, once, in the middle of a run.
struct Fault {
  enum class What { kKill, kStop, kScribble, kSlow };

  What what{What::kKill};
  double at_s{0};  ///< after the begin of what is measured
};

/// Where a responder can be in its work.
enum class Mark { kWaiting, kTaken, kRead, kWritten, kSaid };

/// What an exchange has beside the kit's options.
struct Options {
  std::size_t pairs{1};  ///< callers, each with a responder of its own
  Responder responder{Responder::kProcess};
  Transport transport{Transport::kSlot};
  Layout layout{Layout::kLines};  ///< of a slot
  std::size_t payload_bytes{56};  ///< of a request, and of its reply; a multiple of 8
  bool zero_copy{false};          ///< both are written and read in place
  std::optional<Wait> wait;       ///< none: adaptive, where the kernel does not do it
  Callback callback{Callback::kNone};
  std::size_t depth{1};  ///< of calls back: each is answered only after the next
  std::optional<Fault> fault;
  std::size_t lease_ms{20};             ///< how long a caller waits, where there is a fault
  std::function<void(Mark)> at_mark{};  ///< tests do it to responders in their work
  threads::RoleOptions callers{};
  threads::RoleOptions responders{};

  std::size_t payload_words() const noexcept { return payload_bytes / sizeof(std::uint64_t); }

  /// Whether what is exchanged lies in memory that both sides have.
  bool in_memory() const noexcept { return transport <= Transport::kEventfd; }

  /// Whether a side can wait in any way, and not only in the kernel's.
  bool waits_itself() const noexcept { return transport <= Transport::kQueues; }

  /// How a side waits for the other.
  Wait waiting() const noexcept {
    return waits_itself() ? wait.value_or(Wait::kAdaptive) : Wait::kFutex;
  }

  platform::Nanoseconds lease_ns() const noexcept {
    return static_cast<platform::Nanoseconds>(lease_ms) * 1'000'000;
  }

  /// Connections of a pair: one, and one more for each call back that listeners serve, or for the
  /// responder that takes the place of one that failed.
  std::size_t levels() const noexcept {
    return callback == Callback::kListener ? depth + 1 : fault ? 2 : 1;
  }

  /// Calls that an answer on connection `level` makes, within each other.
  std::size_t depth_below(std::size_t level) const noexcept {
    return callback == Callback::kNone ? 0 : depth - level;
  }
};

inline constexpr std::size_t kMostDepth = 8;

void add_options(cli::Options& all, Options& options);

/// What is wrong with the options together, and with the scheduling class of all; empty if nothing
/// is.
std::string conflict(const Options& options, const Kit& kit);

/// Reads `kill-responder@SECONDS`, and so on.
std::optional<Fault> to_fault(std::string_view text);

}  // namespace pipelab::exchange
