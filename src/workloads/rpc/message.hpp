#pragma once

#include <cstddef>
#include <cstdint>
#include <numeric>
#include <span>
#include <string_view>
#include <vector>

namespace pipelab::rpc {

// Requests and replies of JSON-RPC 2.0 (https://www.jsonrpc.org/specification), whatever text or
// record they are read from.

/// What a reply can say went wrong, by the protocol's numbers.
enum class Error : int {
  kNone = 0,
  kParse = -32700,
  kInvalidRequest = -32600,
  kMethodNotFound = -32601,
  kInvalidParams = -32602,
};

/// What identifies a request, as its sender likes it. Without one nobody wants a reply.
struct Id {
  enum class Kind { kNone, kNull, kNumber, kText };

  static constexpr std::size_t kMostTextBytes = 64;

  Kind kind{Kind::kNone};
  std::int64_t number{0};
  std::string_view text{};
};

inline constexpr std::string_view kSum = "sum";
inline constexpr std::string_view kInitialize = "initialize";  ///< a method, and the id of its call
inline constexpr std::int64_t kProtocol = 1;                   ///< what both sides must speak

/// An object of a message, as it is being read: a parser calls what it finds; then it is judged, as
/// a request or as a reply. What it holds lies in the message.
class Draft {
 public:
  enum class Member : unsigned { kVersion, kId, kMethod, kParams, kResult, kError };

  /// For requests with so many arguments, without allocating.
  explicit Draft(std::size_t arguments) { numbers_.reserve(arguments); }

  /// Begins another object.
  void begin() noexcept;

  /// It is no object, or has a member of a type that this cannot be.
  void refuse() noexcept { refused_ = true; }

  /// A member comes; one that comes twice is refused, since nobody knows which was meant.
  void add(Member member) noexcept {
    const unsigned bit = 1U << static_cast<unsigned>(member);
    refused_ = refused_ || (seen_ & bit) != 0;
    seen_ |= bit;
  }

  void version(std::string_view text) noexcept { has_version_ = text == "2.0"; }
  void id(const Id& id) noexcept;
  void method(std::string_view text) noexcept { method_ = text; }
  void argument(std::int64_t number) { numbers_.push_back(number); }
  void text_argument(std::size_t bytes) noexcept { text_bytes_ += bytes; }
  void bad_params() noexcept { bad_params_ = true; }
  void result(std::int64_t number) noexcept { result_ = number; }
  void error(std::int64_t code) noexcept { error_ = code; }

  /// Whether it can be answered; kNone if so.
  Error judge_request() const noexcept;
  /// Whether it is a reply.
  bool is_reply() const noexcept;

  const Id& id() const noexcept { return id_; }
  bool is_error() const noexcept { return has(Member::kError); }
  std::int64_t result() const noexcept { return result_; }
  std::int64_t error() const noexcept { return error_; }
  bool is_handshake() const noexcept { return method_ == kInitialize; }
  std::int64_t first_argument() const noexcept { return numbers_.front(); }

  /// What its method gives: all numbers, and the lengths of all strings.
  std::int64_t sum() const noexcept;

 private:
  bool has(Member member) const noexcept {
    return (seen_ >> static_cast<unsigned>(member) & 1U) != 0;
  }

  unsigned seen_{0};
  bool refused_{false};
  bool has_version_{false};
  bool bad_params_{false};
  Id id_;
  std::string_view method_;
  std::vector<std::int64_t> numbers_;
  std::size_t text_bytes_{0};
  std::int64_t result_{0};
  std::int64_t error_{0};
};

// Inline: they are called for each message.

inline void Draft::begin() noexcept {
  seen_ = 0;
  refused_ = has_version_ = bad_params_ = false;
  id_ = {};
  method_ = {};
  numbers_.clear();
  text_bytes_ = 0;
  result_ = error_ = 0;
}

inline void Draft::id(const Id& id) noexcept {
  refused_ = refused_ || id.text.size() > Id::kMostTextBytes;
  id_ = id.text.size() > Id::kMostTextBytes ? Id{.kind = Id::Kind::kNull} : id;
}

inline Error Draft::judge_request() const noexcept {
  if (refused_ || !has_version_ || !has(Member::kMethod)) {
    return Error::kInvalidRequest;
  }
  if (method_ != kSum && method_ != kInitialize) {
    return Error::kMethodNotFound;
  }
  if (bad_params_ || numbers_.empty() || (is_handshake() && first_argument() != kProtocol)) {
    return Error::kInvalidParams;
  }
  return Error::kNone;
}

inline bool Draft::is_reply() const noexcept {
  return !refused_ && has_version_ && has(Member::kId) &&
         has(Member::kResult) != has(Member::kError);
}

inline std::int64_t Draft::sum() const noexcept {
  // Of whatever numbers others send: without a sign they wrap.
  const auto numbers = std::accumulate(
      numbers_.begin(), numbers_.end(), std::uint64_t{0},
      [](std::uint64_t all, std::int64_t one) { return all + static_cast<std::uint64_t>(one); });
  return static_cast<std::int64_t>(numbers + text_bytes_);
}

/// Whether a JSON text is a batch, if it is a message at all.
inline bool is_array(std::string_view text) noexcept {
  const std::size_t first = text.find_first_not_of(" \t\r\n");
  return first != std::string_view::npos && text[first] == '[';
}

/// Writes JSON text into a buffer that has room for it.
class JsonWriter {
 public:
  explicit JsonWriter(char* to) noexcept : begin_(to), at_(to) {}

  /// Around the requests or replies of a batch.
  void begin_batch() noexcept { *at_++ = '['; }
  void end_batch() noexcept { *at_++ = ']'; }

  /// `tail` is what stands behind the number, the first argument of all.
  void request(std::int64_t id, bool as_text, std::int64_t number, std::string_view tail) noexcept;
  void result(const Id& id, std::int64_t result) noexcept;
  void error(const Id& id, Error error) noexcept;

  /// The request that comes first.
  void handshake() noexcept;

  /// As it stands.
  void text(std::string_view text) noexcept;

  std::size_t bytes() const noexcept { return static_cast<std::size_t>(at_ - begin_); }

 private:
  void separate() noexcept;
  void number(std::int64_t number) noexcept;
  void id(const Id& id) noexcept;

  char* begin_;
  char* at_;
};

}  // namespace pipelab::rpc
