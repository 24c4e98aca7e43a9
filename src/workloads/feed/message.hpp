#pragma once

#include <array>
#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <utility>

#include "platform/clock.hpp"
#include "workloads/feed/checksum.hpp"

namespace pipelab::feed {

/// Which message comes next, in a feed that goes on for ever: numbers wrap.
using Sequence = std::uint64_t;

/// How far `to` is ahead of `from`; negative if it is behind.
constexpr std::int64_t distance(Sequence from, Sequence to) noexcept {
  return static_cast<std::int64_t>(to - from);
}

/// What a server tells its clients.
struct Message {
  enum class Type : std::uint8_t {
    kTrade = 1,
    kQuote,
    kHeartbeat,  ///< has the number of the message that comes next, and takes none itself
    kEnd,        ///< the same, and nothing comes any more
  };

  Type type{Type::kHeartbeat};
  std::uint32_t symbol{0};
  Sequence sequence{0};
  platform::Nanoseconds intended_ns{0};   ///< when the schedule wanted it
  platform::Nanoseconds generated_ns{0};  ///< when it was made
  std::uint32_t bid{0};       ///< of a trade its price: in units of 1/10,000, as is the next
  std::uint32_t ask{0};       ///< not of a trade
  std::uint32_t quantity{0};  ///< shares

  /// Whether it is about a symbol.
  bool is_tick() const noexcept { return type == Type::kTrade || type == Type::kQuote; }

  friend bool operator==(const Message&, const Message&) = default;
};

/// A message as bytes: 48, little-endian on every machine.
///
///     0 length  2 type  3 mark  4 symbol  8 sequence  16 intended  24 generated  32 bid  36 ask
///     40 quantity  44 checksum of all before it
namespace frame {

inline constexpr std::size_t kBytes = 48;
inline constexpr std::size_t kTypeAt = 2;
inline constexpr std::size_t kSequenceAt = 8;
inline constexpr std::size_t kChecksumAt = 44;
inline constexpr std::uint8_t kMark = 0xa5;

/// An integer as it lies in a frame, and back.
template <std::integral Number>
constexpr Number little_endian(Number number) noexcept {
  if constexpr (std::endian::native == std::endian::little || sizeof(Number) == 1) {
    return number;
  } else {
    auto bytes = std::bit_cast<std::array<std::byte, sizeof(Number)>>(number);
    for (std::size_t at = 0; at < sizeof(Number) / 2; ++at) {
      std::swap(bytes[at], bytes[sizeof(Number) - 1 - at]);
    }
    return std::bit_cast<Number>(bytes);
  }
}

template <std::integral Number>
void put(std::byte* to, Number number) noexcept {
  const Number stored = little_endian(number);
  std::memcpy(to, &stored, sizeof stored);
}

template <std::integral Number>
Number get(const std::byte* from) noexcept {
  Number stored{};
  std::memcpy(&stored, from, sizeof stored);
  return little_endian(stored);
}

/// Writes all but the checksum, in words: that reads them back as words, and would have to wait for
/// smaller pieces to be in memory.
inline void put_fields(std::byte* to, const Message& message) noexcept {
  const auto both = [](std::uint64_t low, std::uint64_t high) { return low | high << 32U; };
  put(to,
      both(kBytes | static_cast<std::uint64_t>(message.type) << 16U | std::uint64_t{kMark} << 24U,
           message.symbol));
  put(to + kSequenceAt, message.sequence);
  put(to + 16, message.intended_ns);
  put(to + 24, message.generated_ns);
  put(to + 32, both(message.bid, message.ask));
  put(to + 40, message.quantity);
}

template <Checksum kWhich>
void encode(std::byte* to, const Message& message) noexcept {
  put_fields(to, message);
  put(to + kChecksumAt, checksum_of<kWhich>(to, kChecksumAt));
}

/// As above, where the checksum is known only at run time.
inline void encode(Checksum which, std::byte* to, const Message& message) noexcept {
  switch (which) {
    case Checksum::kXxh3:
      return encode<Checksum::kXxh3>(to, message);
    case Checksum::kCrc32c:
      return encode<Checksum::kCrc32c>(to, message);
    case Checksum::kNone:
      return encode<Checksum::kNone>(to, message);
  }
}

/// Reads a frame that was found to be one.
inline Message decode(const std::byte* from) noexcept {
  return {.type = static_cast<Message::Type>(get<std::uint8_t>(from + kTypeAt)),
          .symbol = get<std::uint32_t>(from + 4),
          .sequence = get<Sequence>(from + kSequenceAt),
          .intended_ns = get<platform::Nanoseconds>(from + 16),
          .generated_ns = get<platform::Nanoseconds>(from + 24),
          .bid = get<std::uint32_t>(from + 32),
          .ask = get<std::uint32_t>(from + 36),
          .quantity = get<std::uint32_t>(from + 40)};
}

/// The number of the last frame of some whole ones.
inline Sequence last_sequence(std::span<const std::byte> frames) noexcept {
  return get<Sequence>(frames.data() + frames.size() - kBytes + kSequenceAt);
}

}  // namespace frame
}  // namespace pipelab::feed
