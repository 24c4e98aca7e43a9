#include "workloads/rpc/message.hpp"

#include <algorithm>
#include <charconv>

namespace pipelab::rpc {
namespace {

std::string_view words_of(Error error) noexcept {
  switch (error) {
    case Error::kParse:
      return "Parse error";
    case Error::kInvalidRequest:
      return "Invalid Request";
    case Error::kMethodNotFound:
      return "Method not found";
    case Error::kInvalidParams:
      return "Invalid params";
    case Error::kNone:
      break;
  }
  return "";
}

}  // namespace

void JsonWriter::text(std::string_view text) noexcept { at_ = std::ranges::copy(text, at_).out; }

void JsonWriter::number(std::int64_t number) noexcept {
  constexpr std::size_t kMostDigits = 20;
  at_ = std::to_chars(at_, at_ + kMostDigits, number).ptr;
}

void JsonWriter::separate() noexcept {
  if (at_ != begin_ && at_[-1] != '[') {
    *at_++ = ',';
  }
}

void JsonWriter::request(std::int64_t id, bool as_text, std::int64_t number,
                         std::string_view tail) noexcept {
  separate();
  text(as_text ? R"({"jsonrpc":"2.0","id":")" : R"({"jsonrpc":"2.0","id":)");
  this->number(id);
  text(as_text ? R"(","method":"sum","params":[)" : R"(,"method":"sum","params":[)");
  this->number(number);
  text(tail);
}

void JsonWriter::handshake() noexcept {
  text(R"({"jsonrpc":"2.0","id":"initialize","method":"initialize","params":[1]})");
}

void JsonWriter::result(const Id& id, std::int64_t result) noexcept {
  separate();
  text(R"({"jsonrpc":"2.0","id":)");
  this->id(id);
  text(R"(,"result":)");
  number(result);
  *at_++ = '}';
}

void JsonWriter::error(const Id& id, Error error) noexcept {
  separate();
  text(R"({"jsonrpc":"2.0","id":)");
  this->id(id);
  text(R"(,"error":{"code":)");
  number(static_cast<int>(error));
  text(R"(,"message":")");
  text(words_of(error));
  text(R"("}})");
}

void JsonWriter::id(const Id& id) noexcept {
  switch (id.kind) {
    case Id::Kind::kNone:
    case Id::Kind::kNull:
      text("null");
      return;
    case Id::Kind::kNumber:
      number(id.number);
      return;
    case Id::Kind::kText:
      break;
  }
  *at_++ = '"';
  for (const char letter : id.text) {
    const auto code = static_cast<unsigned char>(letter);
    constexpr unsigned char kSpace = 0x20;
    if (code < kSpace) {
      constexpr std::string_view kDigits = "0123456789abcdef";
      text(R"(\u00)");
      *at_++ = kDigits[code >> 4U];
      *at_++ = kDigits[code & 15U];
      continue;
    }
    if (letter == '"' || letter == '\\') {
      *at_++ = '\\';
    }
    *at_++ = letter;
  }
  *at_++ = '"';
}

}  // namespace pipelab::rpc
