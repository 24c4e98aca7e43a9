#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "platform/clock.hpp"

namespace pipelab::bench {

/// What one sample gave. What does not apply to its kind of work is left out.
struct Measurement {
  std::size_t true_capacity{0};           ///< items that the queue held when it was filled; 0: none
  std::uint64_t items{0};                 ///< moved, or sent round
  platform::Nanoseconds duration_ns{0};   ///< from the first item to the end of the last
  platform::Nanoseconds run_delay_ns{0};  ///< that both threads had meanwhile, together
  std::optional<double> round_trip_p50_ns{};  ///< over blocks of round trips, one stamp a block
  std::optional<double> round_trip_p99_ns{};  ///< over single ones, with the cost of their stamp
  std::optional<double> clock_read_ns{};      ///< cost of one read of the clock

  /// False when other programs took so much of the CPUs that it shows.
  bool undisturbed() const noexcept { return run_delay_ns <= duration_ns / 100; }
};

}  // namespace pipelab::bench
