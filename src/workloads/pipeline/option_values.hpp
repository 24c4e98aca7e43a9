#pragma once

#include <charconv>
#include <optional>
#include <string_view>
#include <type_traits>

#include "load/arrivals.hpp"
#include "platform/scheduling.hpp"

namespace pipelab::pipeline {

/// `text` as a number, if all of it is one, in decimal. ("010" is ten.)
template <class Number>
std::optional<Number> to_number(std::string_view text) {
  Number number{};
  const char* const end = text.data() + text.size();
  const auto [stopped, error] = std::from_chars(text.data(), end, number);
  return error == std::errc{} && stopped == end ? std::optional(number) : std::nullopt;
}

/// Reads `constant`, `poisson` or `burst:ITEMS,PAUSE_US` (both at least 1).
std::optional<load::Arrival> to_arrival(std::string_view text);

/// Reads `other`, `fifo:PRIORITY`, `rr:PRIORITY` (1 to 99), or `deadline:RUNTIME,DEADLINE,PERIOD`
/// (microseconds, each at least the one before it, the first at least 2).
std::optional<platform::Scheduling> to_scheduling(std::string_view text);

}  // namespace pipelab::pipeline
