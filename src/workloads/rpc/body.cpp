#include "workloads/rpc/body.hpp"

#include <fmt/format.h>

#include <array>
#include <random>
#include <string_view>

#include "workloads/rpc/message.hpp"
#include "workloads/rpc/records.hpp"
#include "workloads/rpc/stamps.hpp"

namespace pipelab::rpc {
namespace {

constexpr std::string_view kEnd = "]}";

/// How long a request is without what is behind its number.
std::size_t head_bytes(const Options& options) {
  std::array<char, Options::kSpareBytes> buffer{};
  JsonWriter writer(buffer.data());
  writer.request(kFirstNumber, options.ids == Ids::kString, kFirstNumber, "");
  return writer.bytes();
}

/// So many letters and digits, as of a token or a text.
std::string letters(std::size_t count, std::mt19937_64& random) {
  constexpr std::string_view kLetters =
      "abcdefghijklmnopqrstuvwxyz ABCDEFGHIJKLMNOPQRSTUVWXYZ 0123456789";
  std::string text(count, '\0');
  for (char& letter : text) {
    letter = kLetters[static_cast<std::size_t>(random() % kLetters.size())];
  }
  return text;
}

/// Numbers of three digits, and a last one that fills the rest.
Body numbers(std::size_t bytes, std::mt19937_64& random) {
  constexpr std::size_t kBytes = 4;  // with the comma
  constexpr std::int64_t kLeast = 100;
  Body body;
  std::size_t left = bytes;
  for (; left >= 2 * kBytes; left -= kBytes) {
    const auto number = kLeast + static_cast<std::int64_t>(random() % 900);
    body.tail += fmt::format(",{}", number);
    body.sum += number;
  }
  const std::string last(left - 1, '1');
  body.tail += ',';
  body.tail += last;
  body.sum += std::stoll(last);
  return body;
}

}  // namespace

Body make_body(const Options& options, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  if (options.parser == Json::kNone) {
    const std::size_t bytes = options.request_bytes() - sizeof(Record);
    return {.tail = letters(bytes, random), .sum = static_cast<std::int64_t>(bytes)};
  }
  Body body;
  std::size_t left = options.request_bytes() - head_bytes(options) - kEnd.size();
  if (options.shape == Shape::kLarge) {
    body = numbers(left, random);
  } else {
    if (options.shape == Shape::kSmall) {
      body = {.tail = ",42", .sum = 42};
      left -= body.tail.size();
    }
    constexpr std::size_t kAround = 3;  // a comma and two quotes
    body.tail += fmt::format(",\"{}\"", letters(left - kAround, random));
    body.sum += static_cast<std::int64_t>(left - kAround);
  }
  body.tail += kEnd;
  return body;
}

}  // namespace pipelab::rpc
