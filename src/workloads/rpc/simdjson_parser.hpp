#pragma once

#include <simdjson.h>

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <new>
#include <span>
#include <string_view>
#include <utility>

#include "workloads/rpc/message.hpp"

namespace pipelab::rpc {

/// Reads messages with simdjson, on demand: what a request or reply has is read once, from front to
/// back, where it lies. Of a member that JSON-RPC does not know only the brackets are looked at.
class SimdjsonParser {
 public:
  using Writer = JsonWriter;

  static bool is_batch(std::string_view message) noexcept { return is_array(message); }

  explicit SimdjsonParser(std::size_t most_bytes) : parser_(most_bytes) {
    if (parser_.allocate(most_bytes) != simdjson::SUCCESS) {
      throw std::bad_alloc();
    }
  }

  /// Reads a message, behind which there are kPadding bytes more, and calls `use(draft)` for each
  /// object of it. Returns what is wrong with the message as a whole, which may be found only after
  /// some were used.
  template <class Use>
  Error parse(std::span<char> message, Draft& draft, Use use) {
    simdjson::ondemand::document document;
    Type type{};
    if (parser_.iterate(message.data(), message.size(), message.size() + simdjson::SIMDJSON_PADDING)
                .get(document) != simdjson::SUCCESS ||
        document.type().get(type) != simdjson::SUCCESS) {
      return Error::kParse;
    }
    if (type == Type::object) {
      simdjson::ondemand::object object;
      if (document.get_object().get(object) != simdjson::SUCCESS || !read(object, draft) ||
          !ends(document)) {
        return Error::kParse;
      }
      use(draft);
      return Error::kNone;
    }
    if (type == Type::array) {
      return parse_batch(document, draft, use);
    }
    return is_scalar(document, type) && ends(document) ? Error::kInvalidRequest : Error::kParse;
  }

 private:
  using Member = Draft::Member;
  using Type = simdjson::ondemand::json_type;
  using Value = simdjson::ondemand::value;

  template <class Use>
  Error parse_batch(simdjson::ondemand::document& document, Draft& draft, Use use) {
    simdjson::ondemand::array array;
    if (document.get_array().get(array) != simdjson::SUCCESS) {
      return Error::kParse;
    }
    bool any = false;
    for (auto each : array) {
      if (each.error() != simdjson::SUCCESS) {
        return Error::kParse;
      }
      Value value = each.value_unsafe();
      Type type{};
      if (value.type().get(type) != simdjson::SUCCESS) {
        return Error::kParse;
      }
      any = true;
      if (type == Type::object) {
        simdjson::ondemand::object object;
        if (value.get_object().get(object) != simdjson::SUCCESS || !read(object, draft)) {
          return Error::kParse;
        }
      } else {
        draft.begin();
        draft.refuse();
      }
      use(draft);
    }
    if (!ends(document)) {
      return Error::kParse;
    }
    return any ? Error::kNone : Error::kInvalidRequest;
  }

  template <class Scalar>
  static bool is_null(Scalar& value) {
    bool is = false;
    return value.is_null().get(is) == simdjson::SUCCESS && is;
  }

  /// Whether nothing stands behind what was read.
  static bool ends(simdjson::ondemand::document& document) {
    return document.current_location().error() == simdjson::OUT_OF_BOUNDS;
  }

  /// Whether it is the value that it begins as.
  static bool is_scalar(simdjson::ondemand::document& document, Type type) {
    switch (type) {
      case Type::number:
        return document.get_double().error() == simdjson::SUCCESS;
      case Type::string:
        return document.get_string().error() == simdjson::SUCCESS;
      case Type::boolean:
        return document.get_bool().error() == simdjson::SUCCESS;
      case Type::null:
        return is_null(document);
      default:
        return false;
    }
  }

  // All of these return false where it is no JSON.

  static bool read(simdjson::ondemand::object object, Draft& draft) {
    draft.begin();
    for (auto each : object) {
      if (each.error() != simdjson::SUCCESS) {
        return false;
      }
      simdjson::ondemand::field field = std::move(each).value_unsafe();
      if (!read(field.key(), field.value(), draft)) {
        return false;
      }
    }
    return true;
  }

  // Inline, as the next one that says so: it costs a seventh more where the compiler thinks
  // otherwise.
  [[gnu::always_inline]] static bool read(simdjson::ondemand::raw_json_string key, Value& value,
                                          Draft& draft) {
    if (key == "jsonrpc") {
      draft.add(Member::kVersion);
      return read_version(value, draft);
    }
    if (key == "id") {
      draft.add(Member::kId);
      return read_id(value, draft);
    }
    if (key == "method") {
      draft.add(Member::kMethod);
      return read_text(value, draft, [&](std::string_view text) { draft.method(text); });
    }
    if (key == "params") {
      draft.add(Member::kParams);
      return read_params(value, draft);
    }
    if (key == "result") {
      draft.add(Member::kResult);
      return read_number(value, draft, [&](std::int64_t number) { draft.result(number); });
    }
    if (key == "error") {
      draft.add(Member::kError);
      return read_error(value, draft);
    }
    Type type{};
    return value.type().get(type) == simdjson::SUCCESS;
  }

  /// What a value begins with, which says what it is if it is anything.
  static char first_of(Value& value) noexcept { return *value.raw_json_token().data(); }

  /// What is of another type than it should be. A number is looked at, whatever is wrong with it.
  [[gnu::noinline]] static bool refuse(Value& value, Draft& draft) {
    draft.refuse();
    return is_value(value);
  }

  static bool is_value(Value& value) {
    Type type{};
    return value.type().get(type) == simdjson::SUCCESS &&
           (type != Type::number || value.get_double().error() == simdjson::SUCCESS);
  }

  /// Without taking it out of the message, where it stands for itself.
  static bool read_version(Value& value, Draft& draft) {
    constexpr std::string_view kUsual = R"("2.0")";
    if (value.raw_json_token().starts_with(kUsual)) {
      draft.version(kUsual.substr(1, kUsual.size() - 2));
      return value.get_raw_json_string().error() == simdjson::SUCCESS;
    }
    return read_text(value, draft, [&](std::string_view text) { draft.version(text); });
  }

  template <class Use>
  static bool read_text(Value& value, Draft& draft, Use use) {
    std::string_view text;
    if (first_of(value) != '"') {
      return refuse(value, draft);
    }
    if (value.get_string().get(text) != simdjson::SUCCESS) {
      return false;
    }
    use(text);
    return true;
  }

  /// A fraction is refused.
  template <class Use>
  static bool read_number(Value& value, Draft& draft, Use use) {
    std::int64_t number = 0;
    if (!get_integer(value, number)) {
      return refuse(value, draft);
    }
    use(number);
    return true;
  }

  static bool read_id(Value& value, Draft& draft) {
    switch (first_of(value)) {
      case '"':
        return read_text(value, draft, [&](std::string_view text) {
          draft.id({.kind = Id::Kind::kText, .text = text});
        });
      case 'n':
        draft.id({.kind = Id::Kind::kNull});
        return is_null(value);
      default:
        return read_number(value, draft, [&](std::int64_t number) {
          draft.id({.kind = Id::Kind::kNumber, .number = number});
        });
    }
  }

  static bool read_params(Value& value, Draft& draft) {
    simdjson::ondemand::array array;
    if (first_of(value) != '[') {
      draft.bad_params();
      return first_of(value) == '{' || refuse(value, draft);
    }
    if (value.get_array().get(array) != simdjson::SUCCESS) {
      return false;
    }
    for (auto each : array) {
      if (each.error() != simdjson::SUCCESS) {
        return false;
      }
      Value argument = each.value_unsafe();
      std::int64_t number = 0;
      if (first_of(argument) == '"') {
        if (!read_text_argument(argument, draft)) {
          return false;
        }
      } else if (get_integer(argument, number)) {
        draft.argument(number);
      } else {
        draft.bad_params();
        if (!is_value(argument)) {
          return false;
        }
      }
    }
    return true;
  }

  /// Without a copy, where it stands for itself: then only its length is looked at, which the first
  /// pass over the message knows.
  static bool read_text_argument(Value& value, Draft& draft) {
    std::string_view token = value.raw_json_token();
    token.remove_suffix(token.size() - 1 - token.rfind('"'));
    if (std::memchr(token.data(), '\\', token.size()) == nullptr) {
      draft.text_argument(token.size() - 2);
      return value.get_raw_json_string().error() == simdjson::SUCCESS;
    }
    std::string_view text;
    if (value.get_string().get(text) != simdjson::SUCCESS) {
      return false;
    }
    draft.text_argument(text.size());
    return true;
  }

  static bool read_error(Value& value, Draft& draft) {
    simdjson::ondemand::object object;
    if (first_of(value) != '{') {
      return refuse(value, draft);
    }
    std::int64_t code = 0;
    if (value.get_object().get(object) != simdjson::SUCCESS) {
      return false;
    }
    if (object["code"].get_int64().get(code) != simdjson::SUCCESS) {
      draft.refuse();
    }
    draft.error(code);
    return true;
  }

  /// Takes the value if it is an integer. Sixteen digits, which ids and numbers of requests have,
  /// are read eight at a time (D. Lemire, "Quickly parsing eight digits", 2022), others as the
  /// library does, a digit at a time.
  [[gnu::always_inline]] static bool get_integer(Value& value, std::int64_t& number) {
    constexpr std::size_t kWord = sizeof(std::uint64_t);
    constexpr std::int64_t kOfAWord = 100'000'000;
    const std::string_view token = value.raw_json_token();
    if (token.size() == 2 * kWord && token.front() != '0') {
      const std::uint64_t high = word_at(token.data());
      const std::uint64_t low = word_at(token.data() + kWord);
      if (are_digits(high) && are_digits(low)) {
        number = kOfAWord * number_of(high) + number_of(low);
        return true;
      }
    }
    return value.get_int64().get(number) == simdjson::SUCCESS;
  }

  /// Its first letter is in the lowest bits.
  static std::uint64_t word_at(const char* text) noexcept {
    std::uint64_t word = 0;
    std::memcpy(&word, text, sizeof word);
    static_assert(std::endian::native == std::endian::little);
    return word;
  }

  static bool are_digits(std::uint64_t word) noexcept {
    constexpr std::uint64_t kHighHalves = 0xF0F0F0F0F0F0F0F0;
    constexpr std::uint64_t kSixes = 0x0606060606060606;  // carry what is over 9
    constexpr std::uint64_t kThrees = 0x3030303030303030;
    return (word & kHighHalves) == kThrees && ((word + kSixes) & kHighHalves) == kThrees;
  }

  /// Digits become pairs, pairs fours, and fours the number.
  static std::int64_t number_of(std::uint64_t digits) noexcept {
    constexpr std::uint64_t kZeros = 0x3030303030303030;
    constexpr std::uint64_t kEachFourth = 0x000000FF000000FF;
    constexpr std::uint64_t kFirst = 100 + (1'000'000ULL << 32U);
    constexpr std::uint64_t kSecond = 1 + (10'000ULL << 32U);
    const std::uint64_t values = digits - kZeros;
    const std::uint64_t pairs = values * 10 + (values >> 8U);
    return static_cast<std::int64_t>(
        ((pairs & kEachFourth) * kFirst + ((pairs >> 16U) & kEachFourth) * kSecond) >> 32U);
  }

  simdjson::ondemand::parser parser_;
};

}  // namespace pipelab::rpc
