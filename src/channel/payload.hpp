#pragma once

#include <cstddef>
#include <cstdint>
#include <memory_resource>
#include <span>
#include <vector>

namespace pipelab::channel {

/// The bytes that travel with an item, as words: each of them holds the item's number.
using Payload = std::span<std::uint64_t>;

/// Places for the payloads of all items that can be under way at once, each on cache lines of its
/// own, in one piece of memory.
class PayloadStore {
 public:
  PayloadStore(std::size_t places, std::size_t bytes, std::pmr::memory_resource* memory)
      : places_(places),
        words_(bytes / sizeof(std::uint64_t)),
        stride_((words_ + kWordsPerLine - 1) / kWordsPerLine * kWordsPerLine),
        all_(places * stride_, memory) {}

  std::size_t places() const noexcept { return places_; }
  bool empty() const noexcept { return words_ == 0; }

  Payload operator[](std::size_t place) noexcept { return {all_.data() + place * stride_, words_}; }

 private:
  static constexpr std::size_t kWordsPerLine = 64 / sizeof(std::uint64_t);

  std::size_t places_;
  std::size_t words_;
  std::size_t stride_;
  std::pmr::vector<std::uint64_t> all_;
};

/// What the producer does with payloads: it writes item after item's, in its own memory first and
/// then copies it, or in place.
class PayloadWriter {
 public:
  PayloadWriter(std::size_t bytes, bool in_place)
      : own_(in_place ? 0 : bytes / sizeof(std::uint64_t)) {}

  void write(Payload target) noexcept;

 private:
  std::uint64_t number_{0};
  std::vector<std::uint64_t> own_;
};

/// What the consumer does with payloads: it gets each, in memory of its own or in place, and reads
/// it, which shows whether it is whole and newer than the one before.
class PayloadReader {
 public:
  PayloadReader(std::size_t bytes, bool in_place)
      : own_(in_place ? 0 : bytes / sizeof(std::uint64_t)) {}

  /// Has what lies at `source`.
  void get(Payload source) noexcept;

  /// Reads what it got.
  void read() noexcept;

  /// How many payloads were torn, came twice, or came out of order.
  std::uint64_t faults() const noexcept { return faults_; }

 private:
  std::vector<std::uint64_t> own_;
  Payload current_;
  std::uint64_t last_{0};
  std::uint64_t faults_{0};
};

}  // namespace pipelab::channel
