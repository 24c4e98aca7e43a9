#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>

#include "workloads/rpc/message.hpp"

namespace pipelab::rpc {

/// Requests and replies as records that are read by looking at them: what messages take that need
/// no parser.
struct Record {
  enum class Kind : std::uint32_t { kRequest = 1, kResult, kError, kHandshake };

  Kind kind;
  Error code;
  std::int64_t id;
  std::int64_t number;
  std::uint64_t tail_bytes;  ///< that follow
};

/// As JsonWriter. A batch is one record after the other.
class RecordWriter {
 public:
  explicit RecordWriter(char* to) noexcept : begin_(to), at_(to) {}

  void begin_batch() noexcept {}
  void end_batch() noexcept {}
  void request(std::int64_t id, bool /*as_text*/, std::int64_t number,
               std::string_view tail) noexcept {
    add({.kind = Record::Kind::kRequest, .code = {}, .id = id, .number = number, .tail_bytes = {}},
        tail);
  }
  void handshake() noexcept {
    add({.kind = Record::Kind::kHandshake,
         .code = {},
         .id = 0,
         .number = kProtocol,
         .tail_bytes = 0});
  }
  void result(const Id& id, std::int64_t result) noexcept {
    add({.kind = id.kind == Id::Kind::kText ? Record::Kind::kHandshake : Record::Kind::kResult,
         .code = {},
         .id = id.number,
         .number = result,
         .tail_bytes = 0});
  }
  void error(const Id& id, Error error) noexcept {
    add({.kind = Record::Kind::kError,
         .code = error,
         .id = id.number,
         .number = 0,
         .tail_bytes = 0});
  }
  void text(std::string_view text) noexcept { at_ = std::ranges::copy(text, at_).out; }

  std::size_t bytes() const noexcept { return static_cast<std::size_t>(at_ - begin_); }

 private:
  void add(Record record, std::string_view tail = {}) noexcept {
    record.tail_bytes = tail.size();
    std::memcpy(at_, &record, sizeof record);
    at_ += sizeof record;
    text(tail);
  }

  char* begin_;
  char* at_;
};

/// As SimdjsonParser.
class RecordParser {
 public:
  using Writer = RecordWriter;

  static bool is_batch(std::string_view /*message*/) noexcept { return false; }

  explicit RecordParser(std::size_t /*most_bytes*/) {}

  template <class Use>
  Error parse(std::span<char> message, Draft& draft, Use use) {
    using Member = Draft::Member;
    if (message.empty()) {
      return Error::kParse;
    }
    while (!message.empty()) {
      Record record{};
      if (message.size() < sizeof record) {
        return Error::kParse;
      }
      std::memcpy(&record, message.data(), sizeof record);
      message = message.subspan(sizeof record);
      if (record.tail_bytes > message.size()) {
        return Error::kParse;
      }
      message = message.subspan(static_cast<std::size_t>(record.tail_bytes));
      const bool is_handshake = record.kind == Record::Kind::kHandshake;
      draft.begin();
      draft.version("2.0");
      draft.add(Member::kId);
      draft.id(is_handshake ? Id{.kind = Id::Kind::kText, .text = kInitialize}
                            : Id{.kind = Id::Kind::kNumber, .number = record.id});
      if (record.kind == Record::Kind::kRequest || is_handshake) {
        draft.add(Member::kMethod);
        draft.method(is_handshake ? kInitialize : kSum);
        draft.argument(record.number);
        draft.text_argument(static_cast<std::size_t>(record.tail_bytes));
      }
      if (record.kind != Record::Kind::kRequest) {
        draft.add(record.kind == Record::Kind::kError ? Member::kError : Member::kResult);
        draft.result(record.number);
        draft.error(static_cast<int>(record.code));
      }
      use(draft);
    }
    return Error::kNone;
  }
};

}  // namespace pipelab::rpc
