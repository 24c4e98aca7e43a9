#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "platform/clock.hpp"
#include "platform/cpu.hpp"
#include "threads/parking_spot.hpp"
#include "workloads/rpc/link.hpp"
#include "workloads/rpc/options.hpp"

namespace pipelab::rpc {

/// What the sender and the receiver of a client know of each other.
struct Meeting {
  /// Where the connections are: those of a server that has died are lost until the sender has made
  /// others, and new until the receiver has them, too.
  enum class Line { kUp, kLost, kNew };

  Meeting(const Options& of_run, bool receives_alone)
      : options(of_run),
        has_receiver(receives_alone),
        // Of a wait, so that time-outs are seen.
        limit_ns(
            std::clamp<platform::Nanoseconds>(of_run.timeout_ns() / 4, 1'000'000, 100'000'000)) {}

  // Relaxed: the flag carries nothing with it.
  bool is_lost() const noexcept { return line.load(std::memory_order_relaxed) != Line::kUp; }

  /// Whether the server was told that nothing more comes. Relaxed: nothing comes with it.
  bool is_ending() const noexcept { return is_over.load(std::memory_order_relaxed); }

  /// Throws where the server has been silent since then, for longer than it can have a reason to.
  void check_silence(platform::Nanoseconds since_ns, platform::Nanoseconds now_ns) const {
    if (now_ns - since_ns > options.most_silence_ns()) {
      throw PeerGone(is_ending() ? "the server was told that nothing more comes, and does not end"
                                 : "the server takes and says nothing any more");
    }
  }

  const Options& options;
  const bool has_receiver;  ///< in a thread of its own
  const platform::Nanoseconds limit_ns;
  std::atomic<bool> is_given_up{false};
  std::atomic<std::size_t> shaken{0};  ///< handshakes that were answered
  std::atomic<bool> is_over{false};    ///< the server was told so
  std::atomic<Line> line{Line::kUp};
  platform::Nanoseconds lost_ns{0};  ///< when that was seen; with `line`
  alignas(platform::kDestructiveInterference) std::atomic<std::uint64_t> settled{0};
  threads::ParkingSpot room;  ///< where the sender sleeps
};

}  // namespace pipelab::rpc
