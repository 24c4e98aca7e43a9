#pragma once

#include <cstddef>
#include <cstdint>
#include <random>
#include <vector>

namespace pipelab::pipeline {

/// What the consumer does with each item: read and write every byte of a buffer of `bytes` bytes,
/// which `seed` filled.
class Work {
 public:
  Work(std::size_t bytes, std::uint64_t seed) : buffer_(bytes) {
    std::mt19937_64 random(seed);
    for (std::uint8_t& byte : buffer_) {
      byte = static_cast<std::uint8_t>(random());
    }
  }

  bool empty() const noexcept { return buffer_.empty(); }

  /// Does the work of one item.
  void run() noexcept {
    for (std::uint8_t& byte : buffer_) {
      byte = static_cast<std::uint8_t>(byte + 1);
    }
    asm volatile("" ::"r"(buffer_.data()) : "memory");  // the writes must happen
  }

 private:
  std::vector<std::uint8_t> buffer_;
};

}  // namespace pipelab::pipeline
