#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "workloads/feed/checksum.hpp"
#include "workloads/feed/message.hpp"

namespace pipelab::feed {

/// What a decoder found wrong, once for each time that it lost its place.
struct Damage {
  std::uint64_t bad_length{0};
  std::uint64_t bad_type{0};
  std::uint64_t bad_checksum{0};
  std::uint64_t skipped_bytes{0};  ///< until the next frame

  void add(const Damage& other) noexcept {
    bad_length += other.bad_length;
    bad_type += other.bad_type;
    bad_checksum += other.bad_checksum;
    skipped_bytes += other.skipped_bytes;
  }
};

/// Finds the frames of a stream where they lie. Where bytes are no frame, it goes on byte by byte
/// until some are: a frame begins with its length, a type and a mark, and ends with its checksum.
class Decoder {
 public:
  explicit Decoder(Checksum checksum) noexcept : checksum_(checksum) {}

  /// Calls `use(message)` for each whole frame of `bytes`. Returns how many bytes of them are done
  /// with; what is left, less than a frame, has to come again in front of what follows.
  template <class Use>
  std::size_t decode(std::span<const std::byte> bytes, Use use) {
    switch (checksum_) {
      case Checksum::kXxh3:
        return decode<Checksum::kXxh3>(bytes, use);
      case Checksum::kCrc32c:
        return decode<Checksum::kCrc32c>(bytes, use);
      case Checksum::kNone:
        break;
    }
    return decode<Checksum::kNone>(bytes, use);
  }

  const Damage& damage() const noexcept { return damage_; }

  /// Another stream begins.
  void restart() noexcept { is_lost_ = false; }

 private:
  template <Checksum kWhich, class Use>
  std::size_t decode(std::span<const std::byte> bytes, Use& use) {
    const std::byte* at = bytes.data();
    const std::byte* const end = at + bytes.size();
    while (end - at >= static_cast<std::ptrdiff_t>(frame::kBytes)) {
      std::uint64_t* const wrong = what_is_wrong<kWhich>(at);
      if (wrong == nullptr) [[likely]] {
        is_lost_ = false;
        use(frame::decode(at));
        at += frame::kBytes;
        continue;
      }
      *wrong += is_lost_ ? 0 : 1;
      is_lost_ = true;
      ++damage_.skipped_bytes;
      ++at;
    }
    return static_cast<std::size_t>(at - bytes.data());
  }

  /// Which count what lies there adds to; none: it is a frame.
  template <Checksum kWhich>
  std::uint64_t* what_is_wrong(const std::byte* at) noexcept {
    if (frame::get<std::uint16_t>(at) != frame::kBytes) [[unlikely]] {
      return &damage_.bad_length;
    }
    const auto type = frame::get<std::uint8_t>(at + frame::kTypeAt);
    if (type < static_cast<std::uint8_t>(Message::Type::kTrade) ||
        type > static_cast<std::uint8_t>(Message::Type::kEnd) ||
        frame::get<std::uint8_t>(at + frame::kTypeAt + 1) != frame::kMark) [[unlikely]] {
      return &damage_.bad_type;
    }
    if (kWhich != Checksum::kNone && frame::get<std::uint32_t>(at + frame::kChecksumAt) !=
                                         checksum_of<kWhich>(at, frame::kChecksumAt)) [[unlikely]] {
      return &damage_.bad_checksum;
    }
    return nullptr;
  }

  Checksum checksum_;
  Damage damage_;
  bool is_lost_{false};
};

}  // namespace pipelab::feed
