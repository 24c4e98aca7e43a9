#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory_resource>
#include <span>

#include "workloads/exchange/connection.hpp"
#include "workloads/exchange/ear.hpp"
#include "workloads/exchange/options.hpp"
#include "workloads/exchange/slots.hpp"
#include "workloads/exchange/word.hpp"

namespace pipelab::exchange {

/// Joins them by a slot in memory.
template <class Slot, class Bell>
class SlotConnection {
 public:
  SlotConnection(const Options& options, std::pmr::memory_resource& shared)
      : words_(options.payload_words()),
        way_(options.waiting()),
        lease_ns_(options.fault ? options.lease_ns() : 0),
        slot_(words_, shared),
        bells_{Bell(shared), Bell(shared)} {}

  class End {
   public:
    End(SlotConnection& all, Side side, const std::atomic<bool>& gone)
        : words_(all.words_),
          slot_(all.slot_),
          ear_(all.bell_of(side), all.bell_of(other(side)), all.way_,
               side == Side::kCaller ? all.lease_ns_ : 0, gone) {}

    void begin() noexcept { slot_.begin(); }
    void end() noexcept { slot_.end(); }

    /// From the last word to the first: the line of the slot's word is the one that the other side
    /// looks at, and takes away; it is written last.
    template <class Use>
    void write(Kind kind, Use use) noexcept {
      const std::span<Cell> payload = slot_.payload(kind);
      for (std::size_t at = payload.size(); at-- > 0;) {
        payload[at].store(use(at), std::memory_order_relaxed);
      }
    }
    template <class Use>
    void read(Kind kind, Use use) noexcept {
      std::size_t at = 0;
      for (const Cell& cell : slot_.payload(kind)) {
        use(at++, cell.load(std::memory_order_relaxed));
      }
    }

    void say(Kind kind) noexcept {
      slot_.say(word_of(kind));
      ear_.wake();
    }

    bool answer(Kind kind) noexcept {
      const bool counts = slot_.answer(heard_, word_of(kind));
      ear_.wake();
      return counts;
    }

    bool revoke() noexcept {
      const Word found = slot_.revoke(Word(turn_ + 2, Kind::kRevoked, words_));
      ear_.wake();
      return found.turn() == turn_ + 1 && found.kind() == Kind::kReply && found.words() == words_;
    }

    Kind listen() {
      Word word;
      ear_.wait(heard_, [&] { return (word = slot_.said()).turn() != turn_; });
      if (word.kind() != Kind::kRevoked) {
        word.check(turn_, words_);
      }
      ++turn_;
      heard_ = word;
      return word.kind();
    }

    Tally tally() const noexcept { return ear_.tally(); }

   private:
    Word word_of(Kind kind) noexcept { return {++turn_, kind, words_, platform::this_cpu()}; }

    std::size_t words_;
    Slot& slot_;
    Ear<Bell> ear_;
    std::uint64_t turn_{0};
    Word heard_;  // last
  };

  /// Overwrites all that the sides say to each other.
  void scribble() noexcept {
    for (Cell& cell : slot_.payload(Kind::kRequest)) {
      cell = ~0ULL;
    }
    slot_.say(Word(~0ULL));
  }

  /// Where what both sides use is, for sides in other languages.
  struct Places {
    const void* word;
    const void* payload;
    const void* caller_sleeps;
    const void* responder_sleeps;
  };

  Places places() const noexcept requires requires(const Slot& slot, const Bell& bell) {
    slot.word();
    bell.word();
  }
  {
    return {.word = &slot_.word(),
            .payload = slot_.payload(Kind::kRequest).data(),
            .caller_sleeps = &bells_[0].word(),
            .responder_sleeps = &bells_[1].word()};
  }

  void keep(Side /*side*/) noexcept {}
  void rouse(Side side) noexcept { bell_of(side).ring(); }

 private:
  Bell& bell_of(Side side) noexcept { return bells_.at(static_cast<std::size_t>(side)); }

  std::size_t words_;
  Wait way_;
  platform::Nanoseconds lease_ns_;
  Slot slot_;
  std::array<Bell, 2> bells_;
};

}  // namespace pipelab::exchange
