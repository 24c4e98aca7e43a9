#pragma once

#include <rapidjson/document.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "workloads/rpc/message.hpp"

namespace pipelab::rpc {

/// Reads messages with RapidJSON: a tree whose strings stay in the message, and whose nodes lie in
/// memory that is used again. As SimdjsonParser, but for members that JSON-RPC does not know, which
/// are read like all others.
class RapidjsonParser {
 public:
  using Writer = JsonWriter;

  static bool is_batch(std::string_view message) noexcept { return is_array(message); }

  explicit RapidjsonParser(std::size_t most_bytes)
      : memory_(kNodes + most_bytes), stack_memory_(kNodes + most_bytes) {}

  template <class Use>
  Error parse(std::span<char> message, Draft& draft, Use use) {
    Allocator nodes(memory_.data(), memory_.size(), kNodes);
    Allocator stack(stack_memory_.data(), stack_memory_.size(), kNodes);
    Document document(&nodes, kStack, &stack);
    // Its end is a zero, which the byte behind the message has to be for a while: over a stream it
    // is the next message's.
    char& behind = *(message.data() + message.size());
    const char kept = behind;
    behind = '\0';
    rapidjson::InsituStringStream stream(message.data());
    document.ParseStream<kHow>(stream);
    behind = kept;
    if (document.HasParseError() || stream.Tell() != message.size()) {
      return Error::kParse;
    }
    if (document.IsObject()) {
      read(document, draft);
      use(draft);
      return Error::kNone;
    }
    if (!document.IsArray() || document.Empty()) {
      return Error::kInvalidRequest;
    }
    for (const Value& each : document.GetArray()) {
      if (each.IsObject()) {
        read(each, draft);
      } else {
        draft.begin();
        draft.refuse();
      }
      use(draft);
    }
    return Error::kNone;
  }

 private:
  using Member = Draft::Member;
  using Allocator = rapidjson::MemoryPoolAllocator<>;
  using Document = rapidjson::GenericDocument<rapidjson::UTF8<>, Allocator, Allocator>;
  using Value = Document::ValueType;

  static constexpr std::size_t kNodes = 65'536;
  static constexpr std::size_t kStack = 1024;
  // Iterative: what is deep must not end on the program's stack.
  static constexpr unsigned kHow = rapidjson::kParseInsituFlag | rapidjson::kParseIterativeFlag |
                                   rapidjson::kParseValidateEncodingFlag;

  static std::string_view text_of(const Value& value) {
    return {value.GetString(), value.GetStringLength()};
  }

  static void read(const Value& object, Draft& draft) {
    draft.begin();
    for (const auto& member : object.GetObject()) {
      const std::string_view key = text_of(member.name);
      const Value& value = member.value;
      if (key == "jsonrpc") {
        draft.add(Member::kVersion);
        value.IsString() ? draft.version(text_of(value)) : draft.refuse();
      } else if (key == "id") {
        read_id(value, draft);
      } else if (key == "method") {
        draft.add(Member::kMethod);
        value.IsString() ? draft.method(text_of(value)) : draft.refuse();
      } else if (key == "params") {
        read_params(value, draft);
      } else if (key == "result") {
        draft.add(Member::kResult);
        value.IsInt64() ? draft.result(value.GetInt64()) : draft.refuse();
      } else if (key == "error") {
        read_error(value, draft);
      }
    }
  }

  static void read_id(const Value& value, Draft& draft) {
    draft.add(Member::kId);
    if (value.IsString()) {
      draft.id({.kind = Id::Kind::kText, .text = text_of(value)});
    } else if (value.IsInt64()) {
      draft.id({.kind = Id::Kind::kNumber, .number = value.GetInt64()});
    } else if (value.IsNull()) {
      draft.id({.kind = Id::Kind::kNull});
    } else {
      draft.refuse();
    }
  }

  static void read_params(const Value& value, Draft& draft) {
    draft.add(Member::kParams);
    if (!value.IsArray()) {
      draft.bad_params();
      if (!value.IsObject()) {
        draft.refuse();
      }
      return;
    }
    for (const Value& argument : value.GetArray()) {
      if (argument.IsString()) {
        draft.text_argument(argument.GetStringLength());
      } else if (argument.IsInt64()) {
        draft.argument(argument.GetInt64());
      } else {
        draft.bad_params();
      }
    }
  }

  static void read_error(const Value& value, Draft& draft) {
    draft.add(Member::kError);
    if (value.IsObject() && value.HasMember("code") && value["code"].IsInt64()) {
      draft.error(value["code"].GetInt64());
    } else {
      draft.refuse();
    }
  }

  std::vector<char> memory_;
  std::vector<char> stack_memory_;
};

}  // namespace pipelab::rpc
