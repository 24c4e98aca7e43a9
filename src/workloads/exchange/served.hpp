#pragma once

#include <cstddef>
#include <cstdint>
#include <memory_resource>
#include <span>

#include "platform/clock.hpp"
#include "workloads/exchange/numbers.hpp"
#include "workloads/exchange/slots.hpp"

namespace pipelab::exchange {

/// When a responder had the measured calls that its caller keeps whole, in shared memory.
class Served {
 public:
  struct Times {
    platform::Nanoseconds taken_ns;
    platform::Nanoseconds answered_ns;
  };

  /// Of every `every`th call, until there are `count`.
  Served(std::size_t count, std::size_t every, std::pmr::memory_resource& shared)
      : times_(make_many<Times>(count, shared)), every_(every) {}

  /// Writes down the times of a call, if the caller keeps it.
  void write_down(std::uint64_t number, const Times& times) {
    const std::uint64_t call = call_of(number);
    if (is_measured(number) && call % every_ == 0 && call / every_ < times_.size()) {
      times_[static_cast<std::size_t>(call / every_)] = times;
    }
  }

  /// The times of all that are kept.
  std::span<const Times> all() const noexcept { return times_; }

  /// Of the `place`th that is kept; zeros where the responder did not have it.
  const Times& at(std::size_t place) const noexcept { return times_[place]; }

 private:
  std::span<Times> times_;
  std::size_t every_;
};

}  // namespace pipelab::exchange
