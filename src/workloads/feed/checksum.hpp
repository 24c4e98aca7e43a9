#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>

#if PIPELAB_XXHASH
#define XXH_INLINE_ALL
#include <xxhash.h>
#endif

namespace pipelab::feed {

/// What the last four bytes of a message are.
enum class Checksum { kXxh3, kCrc32c, kNone };

namespace detail {

/// CRC-32C, Castagnoli's polynomial with its bits reversed, of each byte.
inline constexpr auto kCrcOfByte = [] {
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t byte = 0; byte < table.size(); ++byte) {
    std::uint32_t crc = byte;
    for (int bit = 0; bit < 8; ++bit) {
      crc = (crc >> 1U) ^ ((crc & 1U) != 0 ? 0x82f63b78U : 0);
    }
    table[byte] = crc;
  }
  return table;
}();

inline std::uint32_t crc_by_table(const std::byte* bytes, std::size_t size) noexcept {
  std::uint32_t crc = ~0U;
  for (std::size_t at = 0; at < size; ++at) {
    crc = (crc >> 8U) ^ kCrcOfByte[(crc ^ std::to_integer<std::uint32_t>(bytes[at])) & 0xffU];
  }
  return ~crc;
}

#if defined(__x86_64__) || defined(__aarch64__)
/// Whether the CPU has instructions for it.
bool cpu_has_crc() noexcept;
inline const bool has_crc = cpu_has_crc();

inline std::uint32_t crc_by_cpu(const std::byte* bytes, std::size_t size) noexcept {
  std::uint64_t crc = ~0U;
  std::uint64_t word = 0;
  for (; size >= sizeof word; bytes += sizeof word, size -= sizeof word) {
    std::memcpy(&word, bytes, sizeof word);
#ifdef __x86_64__
    asm("crc32q %1, %0" : "+r"(crc) : "r"(word));
#else
    asm(".arch_extension crc\n\tcrc32cx %w0, %w0, %x1" : "+r"(crc) : "r"(word));
#endif
  }
  if (std::uint32_t half = 0; size >= sizeof half) {
    std::memcpy(&half, bytes, sizeof half);
#ifdef __x86_64__
    asm("crc32l %1, %k0" : "+r"(crc) : "r"(half));
#else
    asm(".arch_extension crc\n\tcrc32cw %w0, %w0, %w1" : "+r"(crc) : "r"(half));
#endif
    bytes += sizeof half;
    size -= sizeof half;
  }
  for (; size > 0; ++bytes, --size) {
    const auto byte = std::to_integer<std::uint32_t>(*bytes);
#ifdef __x86_64__
    asm("crc32b %b1, %k0" : "+r"(crc) : "r"(byte));
#else
    asm(".arch_extension crc\n\tcrc32cb %w0, %w0, %w1" : "+r"(crc) : "r"(byte));
#endif
  }
  return ~static_cast<std::uint32_t>(crc);
}
#endif

}  // namespace detail

/// CRC-32C (RFC 3720, appendix B.4), by the CPU's own instructions where it has them.
inline std::uint32_t crc32c(const std::byte* bytes, std::size_t size) noexcept {
#if defined(__x86_64__) || defined(__aarch64__)
  if (detail::has_crc) {
    return detail::crc_by_cpu(bytes, size);
  }
#endif
  return detail::crc_by_table(bytes, size);
}

/// The checksum of so many bytes, the same on all machines.
template <Checksum kWhich>
std::uint32_t checksum_of(const std::byte* bytes, std::size_t size) noexcept {
  if constexpr (kWhich == Checksum::kCrc32c) {
    return crc32c(bytes, size);
#if PIPELAB_XXHASH
  } else if constexpr (kWhich == Checksum::kXxh3) {
    return static_cast<std::uint32_t>(XXH3_64bits(bytes, size));
#endif
  } else {
    return 0;
  }
}

}  // namespace pipelab::feed
