#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory_resource>

#include "channel/payload.hpp"
#include "queue/spsc_ring.hpp"
#include "threads/bells.hpp"
#include "workloads/exchange/connection.hpp"
#include "workloads/exchange/ear.hpp"
#include "workloads/exchange/options.hpp"
#include "workloads/exchange/word.hpp"

namespace pipelab::exchange {

/// Joins them by two rings, one each way, with the kit's own queue: what a slot is to replace.
class QueuesConnection {
  using Ring = queue::SpscRing<Word, queue::Eager, std::pmr::polymorphic_allocator<Word>>;

  /// What goes one way. Payloads lie in the order of their words.
  struct Direction {
    Direction(const Options& options, std::pmr::memory_resource& shared)
        : ring(kCapacity, 1, &shared),
          payloads(kCapacity + 2, options.payload_bytes, &shared),
          bell(shared) {}

    static constexpr std::size_t kCapacity = 6;  // with two more, a power of two

    channel::Payload payload(std::uint64_t number) noexcept {
      return payloads[static_cast<std::size_t>(number % (kCapacity + 2))];
    }

    Ring ring;
    channel::PayloadStore payloads;
    threads::ElidedBell bell;
  };

 public:
  QueuesConnection(const Options& options, std::pmr::memory_resource& shared)
      : words_(options.payload_words()),
        way_(options.waiting()),
        directions_(
            *std::pmr::polymorphic_allocator<>(&shared).new_object<Directions>(options, shared)) {}

  class End {
   public:
    End(QueuesConnection& all, Side side, const std::atomic<bool>& gone)
        : words_(all.words_),
          out_(all.from(side)),
          in_(all.from(other(side))),
          producer_(out_.ring.producer()),
          consumer_(in_.ring.consumer()),
          ear_(in_.bell, out_.bell, all.way_, 0, gone) {}

    void begin() noexcept {}
    void end() noexcept {}

    template <class Use>
    void write(Kind /*kind*/, Use use) noexcept {
      std::size_t at = 0;
      for (std::uint64_t& word : out_.payload(turn_ / 2)) {
        word = use(at++);
      }
    }

    template <class Use>
    void read(Kind /*kind*/, Use use) noexcept {
      std::size_t at = 0;
      for (const std::uint64_t word : in_.payload((turn_ - 1) / 2)) {
        use(at++, word);
      }
    }

    void say(Kind kind) noexcept {
      // There is room: the other side has the turn until it answers.
      static_cast<void>(producer_.try_push(Word(++turn_, kind, words_, platform::this_cpu())));
      ear_.wake();
    }

    Kind listen() {
      ear_.wait(heard_, [&] { return !consumer_.empty(); });
      static_cast<void>(consumer_.try_pop(heard_));
      heard_.check(turn_++, words_);
      return heard_.kind();
    }

    Tally tally() const noexcept { return ear_.tally(); }

   private:
    std::size_t words_;
    Direction& out_;
    Direction& in_;
    Ring::Producer producer_;
    Ring::Consumer consumer_;
    Ear<threads::ElidedBell> ear_;
    std::uint64_t turn_{0};
    Word heard_;  // last
  };

  void keep(Side /*side*/) noexcept {}
  void rouse(Side side) noexcept { from(other(side)).bell.ring(); }

 private:
  struct Directions {
    Directions(const Options& options, std::pmr::memory_resource& shared)
        : caller(options, shared), responder(options, shared) {}
    Direction caller;
    Direction responder;
  };

  Direction& from(Side side) noexcept {
    return side == Side::kCaller ? directions_.caller : directions_.responder;
  }

  std::size_t words_;
  Wait way_;
  Directions& directions_;
};

}  // namespace pipelab::exchange
