#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <span>

#include "bench/filling.hpp"
#include "bench/measurement.hpp"
#include "bench/pair.hpp"
#include "bench/payload.hpp"
#include "bench/run_delay.hpp"
#include "platform/clock.hpp"

namespace pipelab::bench {

// Ways to move items: produce() pushes `count` items that are numbered from `number`; consume()
// pops as many and returns 0 when each was the one that was due, whole.

/// One item a call.
struct Single {
  template <class Item, class Side>
  static void produce(Side& side, std::uint64_t number, std::uint64_t count, bool hint) {
    for (const std::uint64_t end = number + count; number != end; ++number) {
      Item item;
      fill(item, number);
      while (!side.try_push(item)) {
        pause_if(hint);
      }
    }
  }

  template <class Item, class Side>
  static std::uint64_t consume(Side& side, std::uint64_t number, std::uint64_t count, bool hint) {
    std::uint64_t wrong = 0;
    for (const std::uint64_t end = number + count; number != end; ++number) {
      Item item;
      while (!side.try_pop(item)) {
        pause_if(hint);
      }
      wrong |= difference(item, number);
    }
    return wrong;
  }
};

/// Up to kBatch items a call, copied from and to an array. `count` is a multiple of kBatch.
template <std::size_t kBatch>
struct Batches {
  template <class Item, class Side>
  static void produce(Side& side, std::uint64_t number, std::uint64_t count, bool hint) {
    std::array<Item, kBatch> items;
    for (const std::uint64_t end = number + count; number != end;) {
      for (Item& item : items) {
        fill(item, number++);
      }
      for (std::span<const Item> rest(items); !rest.empty();) {
        const std::size_t pushed = side.push(rest);
        rest = rest.subspan(pushed);
        if (pushed == 0) {
          pause_if(hint);
        }
      }
    }
  }

  template <class Item, class Side>
  static std::uint64_t consume(Side& side, std::uint64_t number, std::uint64_t count, bool hint) {
    std::array<Item, kBatch> items;
    std::uint64_t wrong = 0;
    for (const std::uint64_t end = number + count; number != end;) {
      const std::size_t popped = side.pop(std::span<Item>(items));
      if (popped == 0) {
        pause_if(hint);
      }
      for (const Item& item : std::span(items).first(popped)) {
        wrong |= difference(item, number++);
      }
    }
    return wrong;
  }
};

/// One item a call, written and read where it lies.
struct SingleInPlace {
  template <class Item, class Side>
  static void produce(Side& side, std::uint64_t number, std::uint64_t count, bool hint) {
    for (const std::uint64_t end = number + count; number != end; ++number) {
      Item* item = nullptr;
      while ((item = side.reserve()) == nullptr) {
        pause_if(hint);
      }
      fill(*item, number);
      side.commit();
    }
  }

  template <class Item, class Side>
  static std::uint64_t consume(Side& side, std::uint64_t number, std::uint64_t count, bool hint) {
    std::uint64_t wrong = 0;
    for (const std::uint64_t end = number + count; number != end; ++number) {
      const Item* item = nullptr;
      while ((item = side.front()) == nullptr) {
        pause_if(hint);
      }
      wrong |= difference(*item, number);
      side.pop();
    }
    return wrong;
  }
};

/// Up to kBatch items a call, written and read where they lie.
template <std::size_t kBatch>
struct BatchesInPlace {
  template <class Item, class Side>
  static void produce(Side& side, std::uint64_t number, std::uint64_t count, bool hint) {
    for (const std::uint64_t end = number + count; number != end;) {
      const std::span<Item> room = side.reserve(std::min<std::uint64_t>(kBatch, end - number));
      if (room.empty()) {
        pause_if(hint);
        continue;
      }
      for (Item& item : room) {
        fill(item, number++);
      }
      side.commit(room.size());
    }
  }

  template <class Item, class Side>
  static std::uint64_t consume(Side& side, std::uint64_t number, std::uint64_t count, bool hint) {
    std::uint64_t wrong = 0;
    for (const std::uint64_t end = number + count; number != end;) {
      const std::span<Item> items = side.peek(kBatch);
      if (items.empty()) {
        pause_if(hint);
        continue;
      }
      for (const Item& item : items) {
        wrong |= difference(item, number++);
      }
      side.release(items.size());
    }
    return wrong;
  }
};

/// How many items the next go is to have when `items` took only `duration_ns`: as many as take
/// `target_ns`, but not at once, since a short go may be a lucky one. A multiple of 64, as `items`
/// is, so that it is one of every batch.
inline std::uint64_t items_for(platform::Nanoseconds target_ns, std::uint64_t items,
                               platform::Nanoseconds duration_ns) noexcept {
  constexpr std::uint64_t kMultiple = 64;
  constexpr double kLeastGrowth = 2;
  constexpr double kMostGrowth = 16;
  const double growth =
      static_cast<double>(target_ns) / static_cast<double>(std::max<std::int64_t>(duration_ns, 1));
  const auto wanted = static_cast<std::uint64_t>(static_cast<double>(items) *
                                                 std::clamp(growth, kLeastGrowth, kMostGrowth));
  return wanted / kMultiple * kMultiple;
}

/// A go of `count` items, and when it began and ended.
struct Go {
  std::uint64_t count{4096};
  platform::Nanoseconds begin_ns{0};
  platform::Nanoseconds end_ns{0};
  platform::Nanoseconds producer_delay_ns{0};
  platform::Nanoseconds consumer_delay_ns{0};
  bool last{false};

  platform::Nanoseconds duration_ns() const noexcept { return end_ns - begin_ns; }

  /// Decides whether it was long enough to be the last, or else how long the next one is to be. A
  /// disturbed go seems slow, and the one after it is too short.
  void judge(platform::Nanoseconds target_ns) noexcept {
    last = duration_ns() >= target_ns / 2;
    if (!last) {
      count = items_for(target_ns, count, duration_ns());
    }
  }
};

/// Moves items through a new Queue in the given Way, in goes that get longer until one took about
/// `target_ns`. Throws when an item came wrong.
template <class Queue, class Item, class Way>
Measurement throughput(const CpuPair& cpus, bool hint, platform::Nanoseconds target_ns) {
  const auto queue = std::make_unique<Queue>();
  const std::size_t true_capacity = fill_and_drain<Item>(*queue);
  Go go;
  std::uint64_t wrong = 0;
  Gate gate;
  const auto produce = [&] {
    auto&& side = queue->producer();
    std::uint64_t number = 1;
    RunDelayLaps run_delay;
    for (gate.meet(); !go.last; gate.meet()) {
      const std::uint64_t count = go.count;
      go.begin_ns = platform::now_ns();
      Way::template produce<Item>(side, number, count, hint);
      flush(side);
      number += count;
      go.producer_delay_ns = run_delay.lap_ns();
      gate.meet();
    }
  };
  const auto consume = [&] {
    auto&& side = queue->consumer();
    std::uint64_t number = 1;
    RunDelayLaps run_delay;
    for (gate.meet(); !go.last; gate.meet()) {
      const std::uint64_t count = go.count;
      wrong |= Way::template consume<Item>(side, number, count, hint);
      go.end_ns = platform::now_ns();
      number += count;
      go.consumer_delay_ns = run_delay.lap_ns();
      gate.meet();
      go.judge(target_ns);
    }
  };
  run_pair(cpus, produce, consume);
  check_order(wrong, Queue::kName);
  return {.true_capacity = true_capacity,
          .items = go.count,
          .duration_ns = go.duration_ns(),
          .run_delay_ns = go.producer_delay_ns + go.consumer_delay_ns};
}

}  // namespace pipelab::bench
