#pragma once

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
//     payload(kind)      the words of what is said in that way
//     say(word)          hands over the turn, and the payload with it
//     answer(before, word)  says it only while the other side's word is still there: whether it was
//     revoke(word)       says it whatever is there, and returns that
//     said()             what was said last

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

/// A word, and a payload for request and reply alike.
class PlainSlot {
 public:
  void begin() noexcept {}
  void end() noexcept {}

  std::span<Cell> payload(Kind /*kind*/) const noexcept { return payload_; }
  const Cell& word() const noexcept { return word_; }

  bool answer(Word before, Word word) noexcept { return replace(word_, before, word); }
  Word revoke(Word word) noexcept { return Word(word_.exchange(word.bits())); }

  // Release and acquire: with the word comes the payload.
  void say(Word word) noexcept { word_.store(word.bits(), std::memory_order_release); }
  Word said() const noexcept { return Word(word_.load(std::memory_order_acquire)); }

 protected:
  PlainSlot(Cell& word, std::span<Cell> payload) : word_(word), payload_(payload) {}

 private:
  Cell& word_;
  std::span<Cell> payload_;
};

/// The word and the payload behind it, in as few lines as they need: 56 bytes come with the word.
/// A word for each line, so that several are under way at once, was measured and is slower: who
/// looks for one takes a line away from who writes it.
class LinesSlot : public PlainSlot {
 public:
  LinesSlot(std::size_t words, std::pmr::memory_resource& memory)
      : LinesSlot(make_many<Cell>(words + 1, memory)) {}

 private:
  explicit LinesSlot(std::span<Cell> all) : PlainSlot(all.front(), all.subspan(1)) {}
};

/// A line for the word, and others for the payload.
class SplitSlot : public PlainSlot {
 public:
  SplitSlot(std::size_t words, std::pmr::memory_resource& memory)
      : PlainSlot(make_many<Cell>(1, memory).front(), make_many<Cell>(words, memory)) {}
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

  std::span<Cell> payload(Kind kind) const noexcept {
    return kind == Kind::kRequest ? request_ : reply_;
  }

  bool answer(Word before, Word word) noexcept { return replace(head_.word, before, word); }
  Word revoke(Word word) noexcept { return Word(head_.word.exchange(word.bits())); }

  // Release and acquire: with the word come header and payload.
  void say(Word word) noexcept {
    head_.number.store(word.turn(), std::memory_order_relaxed);
    head_.words.store(word.words(), std::memory_order_relaxed);
    head_.word.store(word.bits(), std::memory_order_release);
  }
  Word said() const noexcept { return Word(head_.word.load(std::memory_order_acquire)); }

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
