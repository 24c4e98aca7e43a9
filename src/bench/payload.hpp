#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <type_traits>

namespace pipelab::bench {

/// An item larger than a word. Every word of it is written and read.
template <std::size_t kBytes>
struct Payload {
  std::array<std::uint64_t, kBytes / sizeof(std::uint64_t)> words;
};

/// What travels: items are numbered from 1, since a queue may reserve the word 0.
template <std::size_t kBytes>
using Item = std::conditional_t<kBytes == sizeof(std::uint64_t), std::uint64_t, Payload<kBytes>>;

inline void fill(std::uint64_t& item, std::uint64_t number) noexcept { item = number; }

template <std::size_t kBytes>
void fill(Payload<kBytes>& item, std::uint64_t number) noexcept {
  for (std::uint64_t& word : item.words) {
    word = number++;
  }
}

/// 0 when the item is, in every word, the one that fill() makes of `number`. Without a branch, so
/// that looking costs every queue the same.
inline std::uint64_t difference(std::uint64_t item, std::uint64_t number) noexcept {
  return item ^ number;
}

template <std::size_t kBytes>
std::uint64_t difference(const Payload<kBytes>& item, std::uint64_t number) noexcept {
  std::uint64_t different = 0;
  for (const std::uint64_t word : item.words) {
    different |= word ^ number++;
  }
  return different;
}

}  // namespace pipelab::bench
