#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "platform/clock.hpp"
#include "workloads/rpc/options.hpp"

namespace pipelab::rpc {

// The number of a request says which it is of its client's, and whether it is measured. All have as
// many digits, so that all requests are as long.

inline constexpr std::int64_t kFirstMeasured = 2'000'000'000'000'000;
inline constexpr std::int64_t kFirstNumber = 1'000'000'000'000'000;

constexpr bool is_measured(std::int64_t number) noexcept { return number >= kFirstMeasured; }

/// When the server had the requests that came last, in memory that both sides have. A message
/// orders what is written here before it.
class Stamps {
 public:
  struct Times {
    std::int64_t number{0};
    platform::Nanoseconds taken_ns{0};
    platform::Nanoseconds parsed_ns{0};
    platform::Nanoseconds worked_ns{0};
    platform::Nanoseconds answered_ns{0};
  };

  /// Where a request's are. Of those that are without a reply no two have the same place.
  Times& of(std::int64_t number) noexcept {
    return times_[static_cast<std::uint64_t>(number) % kPlaces];
  }

  /// Whether the client keeps requests whole, and wants to know. Relaxed: one more or fewer does no
  /// harm.
  bool wanted() const noexcept { return wanted_.load(std::memory_order_relaxed); }
  void want(bool wanted) noexcept { wanted_.store(wanted, std::memory_order_relaxed); }

 private:
  static constexpr std::size_t kPlaces = 4 * kMostWindow;

  std::atomic<bool> wanted_{true};
  std::array<Times, kPlaces> times_{};
};

}  // namespace pipelab::rpc
