#include "workloads/exchange/word.hpp"

#include <gtest/gtest.h>

#include <memory_resource>
#include <stdexcept>
#include <string>

#include "threads/bells.hpp"
#include "workloads/exchange/slot_connection.hpp"

namespace pipelab::exchange {
namespace {

TEST(Word, HoldsTurnKindAndLength) {
  const Word word(123'456'789'012, Kind::kReply, Word::kMostPayloadWords);
  EXPECT_EQ(word.turn(), 123'456'789'012U);
  EXPECT_EQ(word.kind(), Kind::kReply);
  EXPECT_EQ(word.words(), Word::kMostPayloadWords);
  EXPECT_EQ(Word(word.bits()), word);
  EXPECT_EQ(Word{}.turn(), 0U);
}

/// A slot whose other side means ill: it says one word at once.
struct HostileSlot {
  HostileSlot(std::size_t /*words*/, std::pmr::memory_resource& /*memory*/) {}
  void begin() noexcept {}
  void end() noexcept {}
  void say(Word /*word*/) noexcept {}
  Word said() const noexcept { return saying; }
  std::span<Cell> payload(Kind /*kind*/) const noexcept { return {}; }

  static inline Word saying;
};

/// What a caller complains of who hears `word` in its first turn.
std::string complaint_of(Word word) {
  HostileSlot::saying = word;
  std::atomic<bool> gone{false};
  std::pmr::monotonic_buffer_resource memory;
  SlotConnection<HostileSlot, threads::ElidedBell> connection(Options{}, memory);
  SlotConnection<HostileSlot, threads::ElidedBell>::End end(connection, Side::kCaller, gone);
  end.say(Kind::kRequest);
  try {
    end.listen();
  } catch (const std::runtime_error& error) {
    return error.what();
  }
  return "";
}

TEST(Word, IsCheckedBeforeItIsBelieved) {
  EXPECT_EQ(complaint_of(Word(2, Kind::kReply, 7)), "");
  EXPECT_EQ(complaint_of(Word(9, Kind::kReply, 7)),
            "the other side says that this is turn 9, not 2: it overwrote the sequence");
  EXPECT_EQ(complaint_of(Word(2, Kind{7}, 7)),
            "in turn 2 the other side says 7, which is no request, reply or close");
  EXPECT_EQ(complaint_of(Word(2, Kind::kReply, 1000)),
            "in turn 2 the other side says that its payload has 1000 words, not 7");
}

}  // namespace
}  // namespace pipelab::exchange
