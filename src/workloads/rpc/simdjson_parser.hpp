#pragma once

#include <simdjson.h>

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
      simdjson::ondemand::value value = each.value_unsafe();
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

  template <class Value>
  static bool is_null(Value& value) {
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

  /// False where it is no JSON.
  bool read(simdjson::ondemand::object object, Draft& draft) {
    draft.begin();
    for (auto each : object) {
      simdjson::ondemand::field field;
      Type type{};
      if (std::move(each).get(field) != simdjson::SUCCESS ||
          field.value().type().get(type) != simdjson::SUCCESS) {
        return false;
      }
      const simdjson::ondemand::raw_json_string key = field.key();
      simdjson::ondemand::value& value = field.value();
      bool good = true;
      if (key == "jsonrpc") {
        good = read_text(value, type, Member::kVersion, draft,
                         [&](std::string_view text) { draft.version(text); });
      } else if (key == "id") {
        good = read_id(value, type, draft);
      } else if (key == "method") {
        good = read_text(value, type, Member::kMethod, draft,
                         [&](std::string_view text) { draft.method(text); });
      } else if (key == "params") {
        good = read_params(value, type, draft);
      } else if (key == "result") {
        good = read_number(value, type, Member::kResult, draft,
                           [&](std::int64_t number) { draft.result(number); });
      } else if (key == "error") {
        good = read_error(value, type, draft);
      }
      if (!good) {
        return false;
      }
    }
    return true;
  }

  template <class Use>
  static bool read_text(simdjson::ondemand::value& value, Type type, Member member, Draft& draft,
                        Use use) {
    draft.add(member);
    if (type != Type::string) {
      draft.refuse();
      return true;
    }
    std::string_view text;
    if (value.get_string().get(text) != simdjson::SUCCESS) {
      return false;
    }
    use(text);
    return true;
  }

  /// Of other types is whatever they are; a fraction is refused.
  template <class Use>
  static bool read_number(simdjson::ondemand::value& value, Type type, Member member, Draft& draft,
                          Use use) {
    draft.add(member);
    std::int64_t number = 0;
    if (type == Type::number && value.get_int64().get(number) == simdjson::SUCCESS) {
      use(number);
      return true;
    }
    draft.refuse();
    return type != Type::number || value.get_double().error() == simdjson::SUCCESS;
  }

  static bool read_id(simdjson::ondemand::value& value, Type type, Draft& draft) {
    if (type == Type::string) {
      return read_text(value, type, Member::kId, draft, [&](std::string_view text) {
        draft.id({.kind = Id::Kind::kText, .text = text});
      });
    }
    if (type == Type::null) {
      draft.add(Member::kId);
      draft.id({.kind = Id::Kind::kNull});
      return is_null(value);
    }
    return read_number(value, type, Member::kId, draft, [&](std::int64_t number) {
      draft.id({.kind = Id::Kind::kNumber, .number = number});
    });
  }

  static bool read_params(simdjson::ondemand::value& value, Type type, Draft& draft) {
    draft.add(Member::kParams);
    if (type != Type::array) {
      draft.bad_params();
      if (type != Type::object) {
        draft.refuse();
      }
      return true;
    }
    simdjson::ondemand::array array;
    if (value.get_array().get(array) != simdjson::SUCCESS) {
      return false;
    }
    for (auto each : array) {
      if (each.error() != simdjson::SUCCESS) {
        return false;
      }
      simdjson::ondemand::value argument = each.value_unsafe();
      Type kind{};
      std::int64_t number = 0;
      if (argument.type().get(kind) != simdjson::SUCCESS) {
        return false;
      }
      if (kind == Type::string) {
        if (!read_text_argument(argument, draft)) {
          return false;
        }
      } else if (kind == Type::number && argument.get_int64().get(number) == simdjson::SUCCESS) {
        draft.argument(number);
      } else if (kind != Type::number || argument.get_double().error() == simdjson::SUCCESS) {
        draft.bad_params();
      } else {
        return false;
      }
    }
    return true;
  }

  /// Without a copy, where it stands for itself: then only its length is looked at, which the first
  /// pass over the message knows.
  static bool read_text_argument(simdjson::ondemand::value& value, Draft& draft) {
    std::string_view token = value.raw_json_token();
    token.remove_suffix(token.size() - 1 - token.rfind('"'));
    if (std::memchr(token.data(), '\\', token.size()) == nullptr) {
      draft.text_argument(token.size() - 2);
      return true;
    }
    std::string_view text;
    if (value.get_string().get(text) != simdjson::SUCCESS) {
      return false;
    }
    draft.text_argument(text.size());
    return true;
  }

  static bool read_error(simdjson::ondemand::value& value, Type type, Draft& draft) {
    draft.add(Member::kError);
    simdjson::ondemand::object object;
    if (type != Type::object) {
      draft.refuse();
      return true;
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

  simdjson::ondemand::parser parser_;
};

}  // namespace pipelab::rpc
