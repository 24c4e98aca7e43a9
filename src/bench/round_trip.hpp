#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "bench/filling.hpp"
#include "bench/measurement.hpp"
#include "bench/pair.hpp"
#include "bench/payload.hpp"
#include "bench/run_delay.hpp"
#include "platform/clock.hpp"
#include "platform/cpu.hpp"

namespace pipelab::bench {

// Lines of communication: ask() sends a number and waits for it to come back, 0 when it did so
// whole; answer() waits for what is due and sends it back. asker() and answerer() give the sides.

/// The least that a round trip can cost: one cache line that both sides write in turn; or two, each
/// of which one side writes and the other reads, as with two queues.
template <std::size_t kLines>
class RawLines {
  struct alignas(platform::kDestructiveInterference) Line {
    std::atomic<std::uint64_t> word{0};
  };

 public:
  static constexpr std::string_view kName = kLines == 1 ? "raw line" : "two raw lines";

  class Asker {
   public:
    explicit Asker(RawLines& lines) : there_(lines.there()), back_(lines.back()) {}
    std::uint64_t ask(std::uint64_t number, bool hint) noexcept {
      // Release and acquire here and below: as the queues do it, though nothing else is handed
      // over.
      there_.store(2 * number, std::memory_order_release);
      while (back_.load(std::memory_order_acquire) != 2 * number + 1) {
        pause_if(hint);
      }
      return 0;
    }

   private:
    std::atomic<std::uint64_t>& there_;
    std::atomic<std::uint64_t>& back_;
  };

  class Answerer {
   public:
    explicit Answerer(RawLines& lines) : there_(lines.there()), back_(lines.back()) {}
    void answer(std::uint64_t number, bool hint) noexcept {
      while (there_.load(std::memory_order_acquire) != 2 * number) {
        pause_if(hint);
      }
      back_.store(2 * number + 1, std::memory_order_release);
    }

   private:
    std::atomic<std::uint64_t>& there_;
    std::atomic<std::uint64_t>& back_;
  };

  Asker asker() noexcept { return Asker(*this); }
  Answerer answerer() noexcept { return Answerer(*this); }

  /// Touches them. They hold no items.
  std::size_t warm() noexcept {
    there().store(1);
    back().store(1);
    return 0;
  }

 private:
  std::atomic<std::uint64_t>& there() noexcept { return lines_.front().word; }
  std::atomic<std::uint64_t>& back() noexcept { return lines_.back().word; }

  std::array<Line, kLines> lines_;
};

using RawLine = RawLines<1>;
using TwoRawLines = RawLines<2>;

/// Two queues, there and back. The item is copied as often as the queues do, and read whole at the
/// end.
template <class Queue, class Item>
class QueuePair {
  template <class Out, class In>
  struct Side {
    Out out;
    In in;

    void send(const Item& item, bool hint) {
      while (!out.try_push(item)) {
        pause_if(hint);
      }
      flush(out);
    }
    void receive(Item& item, bool hint) {
      while (!in.try_pop(item)) {
        pause_if(hint);
      }
    }
    std::uint64_t ask(std::uint64_t number, bool hint) {
      Item item;
      fill(item, number);
      send(item, hint);
      receive(item, hint);
      return difference(item, number);
    }
    void answer(std::uint64_t /*number*/, bool hint) {
      Item item;
      receive(item, hint);
      send(item, hint);
    }
  };

  // The queues' own objects for a side by value, or references to the queues.
  using Producer = decltype(std::declval<Queue&>().producer());
  using Consumer = decltype(std::declval<Queue&>().consumer());

 public:
  static constexpr std::string_view kName = Queue::kName;

  auto asker() { return Side<Producer, Consumer>{there_.producer(), back_.consumer()}; }
  auto answerer() { return Side<Producer, Consumer>{back_.producer(), there_.consumer()}; }

  std::size_t warm() {
    fill_and_drain<Item>(back_);
    return fill_and_drain<Item>(there_);
  }

 private:
  alignas(platform::kDestructiveInterference) Queue there_;
  alignas(platform::kDestructiveInterference) Queue back_;
};

/// How long the parts of a sample of round trips last, about.
struct RoundTripTimes {
  platform::Nanoseconds blocks_ns;
  platform::Nanoseconds singles_ns;
};

inline constexpr std::uint64_t kRoundTripsPerBlock = 16;

/// The smallest of `values` that at least `share` of them do not exceed; none where that would be
/// decided by a single one of them. Reorders them.
std::optional<double> percentile(std::vector<platform::Nanoseconds>& values, double share);

/// How often something that took `duration_ns` for `count` goes into `target_ns`, from `least` up.
std::uint64_t repetitions(platform::Nanoseconds target_ns, std::uint64_t count, double duration_ns,
                          std::uint64_t least);

/// The asking side's stamps: blocks of round trips, then single ones.
template <class Asker>
std::uint64_t ask_and_stamp(Asker& asker, std::uint64_t number, bool hint, std::uint64_t trips,
                            std::vector<platform::Nanoseconds>& durations_ns) {
  std::uint64_t wrong = 0;
  platform::Nanoseconds before_ns = platform::now_ns();
  for (platform::Nanoseconds& duration_ns : durations_ns) {
    for (const std::uint64_t end = number + trips; number != end; ++number) {
      wrong |= asker.ask(number, hint);
    }
    const platform::Nanoseconds after_ns = platform::now_ns();
    duration_ns = after_ns - before_ns;
    before_ns = after_ns;
  }
  return wrong;
}

/// Sends items round a new Line, after a short go from which their number is found. Throws when one
/// came back wrong.
template <class Line>
Measurement round_trip(const CpuPair& cpus, bool hint, const RoundTripTimes& times) {
  constexpr std::uint64_t kFirstBlocks = 16;
  const auto line = std::make_unique<Line>();
  const std::size_t true_capacity = line->warm();
  std::vector<platform::Nanoseconds> first(kFirstBlocks);
  std::vector<platform::Nanoseconds> blocks;
  std::vector<platform::Nanoseconds> singles;
  platform::Nanoseconds duration_ns = 0;
  platform::Nanoseconds asker_delay_ns = 0;
  platform::Nanoseconds answerer_delay_ns = 0;
  std::uint64_t wrong = 0;
  std::uint64_t to_answer = kFirstBlocks * kRoundTripsPerBlock;
  Gate gate;
  const auto ask = [&] {
    auto asker = line->asker();
    gate.meet();
    wrong |= ask_and_stamp(asker, 1, hint, kRoundTripsPerBlock, first);
    const std::uint64_t next = to_answer + 1;
    const double block_ns = percentile(first, 0.5).value_or(1);
    blocks.resize(repetitions(times.blocks_ns, 1, block_ns, 16));
    singles.resize(repetitions(times.singles_ns, kRoundTripsPerBlock, block_ns, 0));
    to_answer = blocks.size() * kRoundTripsPerBlock + singles.size();
    RunDelayLaps run_delay;
    gate.meet();
    const platform::Nanoseconds begin_ns = platform::now_ns();
    wrong |= ask_and_stamp(asker, next, hint, kRoundTripsPerBlock, blocks);
    wrong |= ask_and_stamp(asker, next + blocks.size() * kRoundTripsPerBlock, hint, 1, singles);
    duration_ns = platform::now_ns() - begin_ns;
    asker_delay_ns = run_delay.lap_ns();
  };
  const auto answer = [&] {
    auto answerer = line->answerer();
    std::uint64_t number = 1;
    for (int go = 0; go < 2; ++go) {
      RunDelayLaps run_delay;
      gate.meet();
      for (const std::uint64_t end = number + to_answer; number != end; ++number) {
        answerer.answer(number, hint);
      }
      answerer_delay_ns = run_delay.lap_ns();
    }
  };
  run_pair(cpus, ask, answer);
  check_order(wrong, Line::kName);
  Measurement measurement{.true_capacity = true_capacity,
                          .items = blocks.size() * kRoundTripsPerBlock + singles.size(),
                          .duration_ns = duration_ns,
                          .run_delay_ns = asker_delay_ns + answerer_delay_ns,
                          .round_trip_p50_ns = percentile(blocks, 0.5),
                          .round_trip_p99_ns = percentile(singles, 0.99)};
  if (measurement.round_trip_p50_ns) {
    *measurement.round_trip_p50_ns /= kRoundTripsPerBlock;
  }
  return measurement;
}

}  // namespace pipelab::bench
