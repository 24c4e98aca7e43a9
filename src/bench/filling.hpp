#pragma once

#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>

#include "bench/pair.hpp"
#include "bench/payload.hpp"

namespace pipelab::bench {

/// True for contenders whose calls wait by themselves.
template <class Queue>
consteval bool waits() {
  if constexpr (requires { Queue::kWaits; }) {
    return Queue::kWaits;
  }
  return false;
}

/// Fills the queue to the brim and empties it, so that all of its memory has been touched. Returns
/// how many items it held, which for some queues is more than they were asked for.
template <class Item, class Queue>
std::size_t fill_and_drain(Queue& queue) {
  auto&& producer = queue.producer();
  auto&& consumer = queue.consumer();
  Item item{};
  fill(item, 1);
  std::size_t held = 0;
  if constexpr (waits<Queue>()) {
    for (; held < queue.capacity(); ++held) {
      static_cast<void>(producer.try_push(item));
    }
    for (std::size_t popped = 0; popped < held; ++popped) {
      static_cast<void>(consumer.try_pop(item));
    }
  } else {
    while (producer.try_push(item)) {
      ++held;
    }
    while (consumer.try_pop(item)) {
    }
    flush(consumer);
  }
  return held;
}

/// Throws unless `wrong`, the sum of all difference()s, is 0.
inline void check_order(std::uint64_t wrong, std::string_view contender) {
  if (wrong != 0) {
    throw std::runtime_error(std::string(contender) + " lost, doubled or tore an item");
  }
}

}  // namespace pipelab::bench
