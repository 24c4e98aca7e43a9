#include "options.hpp"

#include <charconv>
#include <stdexcept>
#include <string_view>

namespace counters {
namespace {

std::uint64_t whole_number(std::string_view name, std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || value == 0) {
    throw std::invalid_argument(std::string(name) + "=" + std::string(text) +
                                ": give a whole number from 1, or two as BYTES/WAYS");
  }
  return value;
}

CacheShape cache_shape(std::string_view name, std::string_view text) {
  const std::size_t slash = text.find('/');
  if (slash == std::string_view::npos) {
    throw std::invalid_argument(std::string(name) + "=" + std::string(text) + ": give BYTES/WAYS");
  }
  return {.bytes = whole_number(name, text.substr(0, slash)),
          .ways = whole_number(name, text.substr(slash + 1))};
}

void set_count(Options& options, std::string_view value) {
  if (value != "plain" && value != "caches" && value != "profile") {
    throw std::invalid_argument("count=" + std::string(value) + ": give plain, caches or profile");
  }
  options.caches = value == "caches";
  options.profile = value == "profile";
}

void set_vcpus(Options& options, std::string_view value) {
  if (value != "in-turn" && value != "at-once") {
    throw std::invalid_argument("vcpus=" + std::string(value) + ": give in-turn or at-once");
  }
  options.in_turn = value == "in-turn";
}

}  // namespace

Options parse_options(std::span<char*> arguments) {
  Options options;
  for (const std::string_view argument : arguments) {
    const std::size_t equals = argument.find('=');
    const std::string_view name = argument.substr(0, equals);
    const std::string_view value =
        equals == std::string_view::npos ? std::string_view{} : argument.substr(equals + 1);
    if (name == "out") {
      options.out = value;
    } else if (name == "count") {
      set_count(options, value);
    } else if (name == "vcpus") {
      set_vcpus(options, value);
    } else if (name == "l1") {
      options.shape.l1 = cache_shape(name, value);
    } else if (name == "l2") {
      options.shape.l2 = cache_shape(name, value);
    } else if (name == "line") {
      options.shape.line_bytes = whole_number(name, value);
    } else {
      throw std::invalid_argument(std::string(name) +
                                  ": is none of out, count, vcpus, l1, l2 and line");
    }
  }
  if (options.profile && !options.in_turn) {
    throw std::invalid_argument("count=profile: needs vcpus=in-turn, which is exact timing");
  }
  check(options.shape);
  return options;
}

}  // namespace counters
