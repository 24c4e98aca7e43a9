#include "target.hpp"

#include <array>
#include <cstring>

namespace counters {
namespace {

using Code = const std::uint8_t*;

constexpr unsigned kMarks = 32;  // a begin and an end for each of 16 regions
constexpr unsigned kFirstHint = 0x60;

std::uint32_t word(Code code) {
  std::uint32_t value = 0;
  std::memcpy(&value, code, sizeof value);
  return value;
}

unsigned halfword(Code code) {
  std::uint16_t value = 0;
  std::memcpy(&value, code, sizeof value);
  return value;
}

std::optional<unsigned> mark_of_hint(std::uint32_t hint) {
  if (hint - kFirstHint < kMarks) {
    return hint - kFirstHint;
  }
  return std::nullopt;
}

std::optional<unsigned> aarch64_mark(Code code, std::size_t /*size*/) {
  constexpr std::uint32_t kHint = 0xd503201f;  // the number of the hint is in bits 5 to 11
  constexpr std::uint32_t kNumber = 0x7f << 5;
  if ((word(code) & ~kNumber) != kHint) {
    return std::nullopt;
  }
  return mark_of_hint((word(code) & kNumber) >> 5);
}

// The groups of "Loads and Stores" in the Arm ARM's A64 encoding index.
Kind aarch64_kind(Code code, std::size_t /*size*/) {
  const std::uint32_t value = word(code);
  const auto is = [value](std::uint32_t mask, std::uint32_t bits) {
    return (value & mask) == bits;
  };
  const Kind load{.loads = true};
  const Kind store{.stores = true};
  const Kind both{.loads = true, .stores = true};
  if (!is(0x0a000000, 0x08000000)) {
    return {.may_stop = is(0xff000000, 0xd5000000)};  // system instructions
  }
  const bool load_bit = is(1U << 22, 1U << 22);
  if (is(0x3f000000,
         0x08000000)) {  // exclusive and ordered; compare and swap has bits 21 and 23, or pairs
    const bool swaps = is(0x00a00000, 0x00a00000) || is(0x80a00000, 0x00200000);
    return swaps ? both : load_bit ? load : store;
  }
  if (is(0x3b000000, 0x18000000)) {  // literal; 0xd8 is a prefetch
    return is(0xff000000, 0xd8000000) ? Kind{} : load;
  }
  if (is(0x3a000000, 0x28000000) || is(0xbe000000, 0x0c000000)) {  // pairs; structures
    return load_bit ? load : store;
  }
  if (is(0xffc00000, 0xf9800000) || is(0xffe00000, 0xf8800000) || is(0xffe00c00, 0xf8a00800)) {
    return {};  // prefetch
  }
  if (is(0x3f200c00, 0x38200000)) {  // atomic; ldapr has opc 100 behind o3
    return is(0x0000f000, 0x0000c000) ? load : both;
  }
  if (is(0x04000000, 0x04000000)) {
    return load_bit ? load : store;  // of vector registers
  }
  return is(0x00c00000, 0) ? store : load;
}

std::optional<unsigned> arm_mark(Code code, std::size_t size) {
  if (size != 4) {
    return std::nullopt;
  }
  const unsigned first = halfword(code);
  const unsigned second = halfword(code + 2);
  if (first == 0xf3af && (second & 0xff00) == 0x8000) {  // Thumb
    return mark_of_hint(second & 0xff);
  }
  if ((word(code) & 0xffffff00) == 0xe320f000) {
    return mark_of_hint(word(code) & 0xff);
  }
  return std::nullopt;
}

std::optional<unsigned> x86_mark(Code code, std::size_t size) {
  constexpr std::array<std::uint8_t, 3> kNop = {0x0f, 0x1f, 0x80};
  constexpr std::array<std::uint8_t, 3> kMagic = {0x00, 0x4c, 0x50};
  if (size == 7 && std::memcmp(code, kNop.data(), kNop.size()) == 0 &&
      std::memcmp(code + 4, kMagic.data(), kMagic.size()) == 0 && code[3] < kMarks) {
    return code[3];
  }
  return std::nullopt;
}

bool thumb_may_stop(unsigned first, unsigned second, std::size_t size) {
  const auto is = [first](unsigned mask, unsigned bits) { return (first & mask) == bits; };
  if (size == 2) {  // shifts, sums and comparisons; data processing; special data; branches
    return !is(0xc000, 0x0000) && !is(0xf800, 0x4000) && !is(0xf000, 0xd000) && !is(0xf800, 0xe000);
  }
  // data processing with a constant, with a shifted register, and with registers
  return !(is(0xf800, 0xf000) && (second & 0x8000) == 0) && !is(0xfe00, 0xea00) &&
         !is(0xff00, 0xfa00);
}

bool arm_may_stop(std::uint32_t value) {
  const auto is = [value](std::uint32_t mask, std::uint32_t bits) {
    return (value & mask) == bits;
  };
  const bool miscellaneous = is(0x0f900000, 0x01000000) || is(0x0fb00000, 0x03200000);
  const bool with_register = is(0x0e000000, 0x00000000) && !is(0x00000090, 0x00000090);
  const bool data_processing = (with_register || is(0x0e000000, 0x02000000)) && !miscellaneous;
  return is(0xf0000000, 0xf0000000) || !(data_processing || is(0x0e000000, 0x0a000000));
}

/// What four bytes can be in both instruction sets may stop if it may in either.
Kind arm_kind(Code code, std::size_t size) {
  constexpr unsigned kLeastLongThumb = 0xe800;
  const unsigned first = halfword(code);
  const unsigned second = size == 4 ? halfword(code + 2) : 0;
  if (size == 2) {
    return {.may_stop = thumb_may_stop(first, second, size)};
  }
  return {.may_stop = arm_may_stop(word(code)) ||
                      (first >= kLeastLongThumb && thumb_may_stop(first, second, size))};
}

/// Most of what works on registers alone, so that a piece holds more than one instruction.
Kind x86_kind(Code code, std::size_t size) {
  const std::size_t prefix = (code[0] & 0xf0) == 0x40 ? 1 : 0;  // REX
  if (size < prefix + 2) {
    return {};
  }
  const bool two_bytes = code[prefix] == 0x0f;
  const unsigned opcode = code[prefix + (two_bytes ? 1 : 0)];
  const std::size_t modrm_place = prefix + (two_bytes ? 2 : 1);
  const bool registers = modrm_place < size && code[modrm_place] >= 0xc0;
  const auto is = [opcode](unsigned mask, unsigned bits) { return (opcode & mask) == bits; };
  if (two_bytes) {
    const bool jump = is(0xf0, 0x80);
    const bool moves_or_multiplies = is(0xf0, 0x40) || is(0xf6, 0xb6) || opcode == 0xaf;
    return {.may_stop = !jump && !(registers && moves_or_multiplies)};
  }
  const bool lea = opcode == 0x8d;
  const bool jump = is(0xf0, 0x70) || opcode == 0xe9 || opcode == 0xeb;
  const bool immediate = is(0xc6, 0x04) || is(0xf8, 0xb8) || is(0xfe, 0xa8);
  const bool arithmetic = is(0xc4, 0x00) || is(0xfc, 0x80) || is(0xfc, 0x84) || is(0xfc, 0x88) ||
                          opcode == 0x63 || is(0xfe, 0xc0) || is(0xfc, 0xd0);
  return {.may_stop = !lea && !jump && !immediate && !(registers && arithmetic)};
}

bool is_upper_half(std::uint64_t vaddr) { return (vaddr >> 63) != 0; }
bool is_upper_gigabyte(std::uint64_t vaddr) { return vaddr >= 0xc0000000; }

constexpr std::array<Target, 3> kTargets = {{
    {"aarch64", aarch64_mark, aarch64_kind, Accesses::kByKind, is_upper_half},
    {"arm", arm_mark, arm_kind, Accesses::kByFilter, is_upper_gigabyte},
    {"x86_64", x86_mark, x86_kind, Accesses::kByCall, is_upper_half},
}};

}  // namespace

const Target* find_target(std::string_view name) {
  for (const Target& target : kTargets) {
    if (target.name == name) {
      return &target;
    }
  }
  return nullptr;
}

}  // namespace counters
