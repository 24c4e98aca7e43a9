#pragma once

#include <cstddef>
#include <cstdint>

namespace pipelab::exchange {

/// What one side says to the other when it hands over the turn.
enum class Kind : std::uint64_t { kRequest = 1, kReply = 2, kClose = 3, kRevoked = 4 };

/// The word by which sides take turns: which turn it is (1, 2, 3, ...; each side adds one to what
/// the other had), what is said, in how many words of payload, and on which CPU (of the first
/// 1024). 0: nothing was ever said.
class Word {
 public:
  static constexpr std::size_t kMostPayloadWords = 1023;

  constexpr Word() noexcept = default;
  explicit constexpr Word(std::uint64_t bits) noexcept : bits_(bits) {}
  constexpr Word(std::uint64_t turn, Kind kind, std::size_t words, int cpu = 0) noexcept
      : bits_(turn << kTurnShift | (static_cast<std::uint64_t>(cpu) & kCpus) << kCpuShift |
              words << kWordsShift | static_cast<std::uint64_t>(kind)) {}

  constexpr std::uint64_t bits() const noexcept { return bits_; }
  constexpr std::uint64_t turn() const noexcept { return bits_ >> kTurnShift; }
  constexpr std::size_t words() const noexcept {
    return static_cast<std::size_t>(bits_ >> kWordsShift & kMostPayloadWords);
  }
  constexpr bool is_from(int cpu) const noexcept {
    return ((bits_ >> kCpuShift ^ static_cast<std::uint64_t>(cpu)) & kCpus) == 0;
  }
  constexpr Kind kind() const noexcept { return static_cast<Kind>(bits_ & kKinds); }

  constexpr bool operator==(const Word&) const noexcept = default;

  /// Throws CallFailed unless the other side can have said this in answer to turn `before`:
  /// it may be broken, or mean ill. The message names what is wrong with it.
  void check(std::uint64_t before, std::size_t payload_words) const;

 private:
  static constexpr unsigned kWordsShift = 3;
  static constexpr unsigned kCpuShift = 13;
  static constexpr std::uint64_t kCpus = 1023;
  static constexpr unsigned kTurnShift = 23;
  static constexpr std::uint64_t kKinds = (1U << kWordsShift) - 1;

  std::uint64_t bits_{0};
};

}  // namespace pipelab::exchange
