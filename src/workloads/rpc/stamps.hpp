#pragma once

#include <algorithm>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory_resource>
#include <vector>

#include "platform/clock.hpp"

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

  Stamps(std::size_t window, std::pmr::memory_resource& shared) : times_(places(window), &shared) {}

  static std::size_t bytes(std::size_t window) noexcept { return places(window) * sizeof(Times); }

  /// Where a request's are. Of those that are without a reply no two have the same place.
  Times& of(std::int64_t number) noexcept {
    return times_[static_cast<std::size_t>(static_cast<std::uint64_t>(number) &
                                           (times_.size() - 1))];
  }

  /// Whether the client keeps requests whole, and wants to know. Relaxed: one more or fewer does no
  /// harm.
  bool wanted() const noexcept { return wanted_.load(std::memory_order_relaxed); }
  void want(bool wanted) noexcept { wanted_.store(wanted, std::memory_order_relaxed); }

 private:
  static std::size_t places(std::size_t window) noexcept {
    return std::bit_ceil(4 * std::max<std::size_t>(window, 1024));
  }

  std::atomic<bool> wanted_{true};
  std::pmr::vector<Times> times_;
};

}  // namespace pipelab::rpc
