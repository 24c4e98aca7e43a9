#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory_resource>
#include <span>

#include "platform/cpu.hpp"
#include "workloads/exchange/word.hpp"

namespace pipelab::exchange {

// A slot is a place in memory for what two sides say to each other in turns, and for the payload of
// that. Who has the turn writes payload and says its word; the other one sees the word, and reads.
//
//     begin(), end()     around a call that is not within another
//     payload(kind, use) calls use(i, word i) for the words of what is said in that way
//     say(word)          hands over the turn, and the payload with it
//     answer(before, word)  says it only while the other side's word is still there: whether it was
//     revoke(word)       says it whatever is there, and returns that
//     said(turn)         what the other side said after `turn`, or a word of `turn` if nothing yet

inline constexpr std::size_t kWordsALine = 64 / sizeof(std::uint64_t);

/// A word of payload, as it lies in memory that another process may write: it is read once.
/// Relaxed: what is said orders it.
using Cell = std::atomic<std::uint64_t>;

/// As many `T` as are wanted, alone on their lines.
template <class T>
std::span<T> make_many(std::size_t count, std::pmr::memory_resource& memory) {
  void* const all = memory.allocate(count * sizeof(T), platform::kDestructiveInterference);
  return {::new (all) T[count]{}, count};
}

/// Whether `word` was `before`, and is `after` now.
inline bool replace(std::atomic<std::uint64_t>& word, Word before, Word after) noexcept {
  std::uint64_t bits = before.bits();
  return word.compare_exchange_strong(bits, after.bits());
}

/// As many lines as the payload needs, each with a word of its own. Request and reply lie in the
/// same lines. Each says for itself that it is there, so that several are under way at once, and
/// what fits into 56 bytes is one transfer.
class LinesSlot {
 public:
  LinesSlot(std::size_t words, std::pmr::memory_resource& memory)
      : words_(words), lines_(make_many<Line>((words + kPayload - 1) / kPayload, memory)) {}

  void begin() noexcept {}
  void end() noexcept {}

  template <class Use>
  void payload(Kind /*kind*/, Use use) noexcept {
    std::size_t at = 0;
    for (Line& line : lines_) {
      for (Cell& cell : std::span(line.payload).first(std::min(kPayload, words_ - at))) {
        use(at++, cell);
      }
    }
  }

  void say(Word word) noexcept {
    // Release: with a line's word comes its payload. The first line is what is waited for most.
    for (Line& line : lines_) {
      line.word.store(word.bits(), std::memory_order_release);
    }
  }

  bool answer(Word before, Word word) noexcept {
    for (Line& line : lines_.subspan(1)) {
      line.word.store(word.bits(), std::memory_order_release);
    }
    return replace(lines_.front().word, before, word);
  }

  Word revoke(Word word) noexcept { return Word(lines_.front().word.exchange(word.bits())); }

  Word said(std::uint64_t turn) const noexcept {
    // Acquire: pairs with say(). All lines are asked for at once, so that all come at once.
    const Word first(lines_.front().word.load(std::memory_order_acquire));
    if (first.kind() == Kind::kRevoked) {
      return first;
    }
    Word all = first;
    for (const Line& line : lines_.subspan(1)) {
      const Word word(line.word.load(std::memory_order_acquire));
      if (word != first) {
        all = word.turn() == turn || first.turn() == turn ? Word(turn, Kind{}, 0) : Word(~0ULL);
      }
    }
    return all;
  }

 private:
  static constexpr std::size_t kPayload = kWordsALine - 1;

  struct alignas(64) Line {
    std::atomic<std::uint64_t> word{0};
    std::array<Cell, kPayload> payload{};
  };

  std::size_t words_;
  std::span<Line> lines_;
};

/// A line for the word, and others for the payload, of request and reply alike.
class SplitSlot {
 public:
  SplitSlot(std::size_t words, std::pmr::memory_resource& memory)
      : word_(make_many<std::atomic<std::uint64_t>>(1, memory).front()),
        payload_(make_many<Cell>(words, memory)) {}

  void begin() noexcept {}
  void end() noexcept {}

  template <class Use>
  void payload(Kind /*kind*/, Use use) noexcept {
    for (std::size_t at = 0; at < payload_.size(); ++at) {
      use(at, payload_[at]);
    }
  }

  bool answer(Word before, Word word) noexcept { return replace(word_, before, word); }
  Word revoke(Word word) noexcept { return Word(word_.exchange(word.bits())); }

  // Release and acquire: with the word comes the payload.
  void say(Word word) noexcept { word_.store(word.bits(), std::memory_order_release); }
  Word said(std::uint64_t /*turn*/) const noexcept {
    return Word(word_.load(std::memory_order_acquire));
  }

 private:
  std::atomic<std::uint64_t>& word_;
  std::span<Cell> payload_;
};

/// The shape of the document that this workload stands beside: a slot may be anybody's, so that a
/// caller claims it first (compare-and-swap) and frees it in the end; a header says whose call it
/// is and how long; requests and replies have lines of their own.
class ClaimedSlot {
 public:
  ClaimedSlot(std::size_t words, std::pmr::memory_resource& memory)
      : head_(make_many<Head>(1, memory).front()),
        request_(make_many<Cell>(words, memory)),
        reply_(make_many<Cell>(words, memory)) {}

  void begin() noexcept {
    std::uint64_t free = 0;
    // Acquire: pairs with end().
    while (!head_.claimed.compare_exchange_weak(free, 1, std::memory_order_acquire)) {
      free = 0;
      platform::spin_hint();
    }
  }

  void end() noexcept { head_.claimed.store(0, std::memory_order_release); }

  template <class Use>
  void payload(Kind kind, Use use) noexcept {
    const std::span<Cell> cells = kind == Kind::kRequest ? request_ : reply_;
    for (std::size_t at = 0; at < cells.size(); ++at) {
      use(at, cells[at]);
    }
  }

  bool answer(Word before, Word word) noexcept { return replace(head_.word, before, word); }
  Word revoke(Word word) noexcept { return Word(head_.word.exchange(word.bits())); }

  // Release and acquire: with the word come header and payload.
  void say(Word word) noexcept {
    head_.number.store(word.turn(), std::memory_order_relaxed);
    head_.words.store(word.words(), std::memory_order_relaxed);
    head_.word.store(word.bits(), std::memory_order_release);
  }
  Word said(std::uint64_t /*turn*/) const noexcept {
    return Word(head_.word.load(std::memory_order_acquire));
  }

 private:
  struct alignas(64) Head {
    std::atomic<std::uint64_t> word{0};
    std::atomic<std::uint64_t> claimed{0};
    std::atomic<std::uint64_t> number{0};
    std::atomic<std::uint64_t> words{0};
  };

  Head& head_;
  std::span<Cell> request_;
  std::span<Cell> reply_;
};

}  // namespace pipelab::exchange
