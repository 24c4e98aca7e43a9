#pragma once

#include <charconv>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace pipelab::cli {

/// `text` as a number, if all of it is one, in decimal. ("010" is ten.)
template <class Number>
std::optional<Number> to_number(std::string_view text) {
  Number number{};
  const char* const end = text.data() + text.size();
  const auto [stopped, error] = std::from_chars(text.data(), end, number);
  return error == std::errc{} && stopped == end ? std::optional(number) : std::nullopt;
}

/// The numbers of `NAME:NUMBER,...` (1 to a day of microseconds); none if `text` is not so.
std::vector<std::int64_t> numbers_of(std::string_view text, std::string_view name);

}  // namespace pipelab::cli
