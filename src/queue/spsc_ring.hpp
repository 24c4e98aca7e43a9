#pragma once

#include <atomic>
#include <cstddef>
#include <vector>

#include "platform/cpu.hpp"

namespace pipelab::queue {

/// A bounded, wait-free queue for one producer thread and one consumer thread.
///
/// Any capacity from 1; all of its slots hold items. The indices only grow and are reduced to a
/// slot by a wrapping cursor, so full (written - read == capacity) and empty (written == read)
/// differ without a spare slot. Each side keeps a copy of the other's index and reads the shared
/// one only when that copy says full or empty, so that most operations touch one foreign cache line
/// at most.
template <class T>
class SpscRing {
 public:
  /// Allocates and touches room for `capacity` items (at least 1).
  explicit SpscRing(std::size_t capacity) : slots_(capacity) {}

  std::size_t capacity() const noexcept { return slots_.size(); }

  /// Producer only: copies `item` in; false when the ring is full.
  bool try_push(const T& item) noexcept {
    if (full()) {
      return false;
    }
    slots_[producer_.slot] = item;
    producer_.slot = next(producer_.slot);
    ++producer_.written;
    // Release: the item's bytes are visible before the index that announces them.
    written_.value.store(producer_.written, std::memory_order_release);
    return true;
  }

  /// Consumer only: copies the oldest item out; false when the ring is empty.
  bool try_pop(T& item) noexcept {
    if (empty()) {
      return false;
    }
    item = slots_[consumer_.slot];
    consumer_.slot = next(consumer_.slot);
    ++consumer_.read;
    // Release: the item has been read before the producer may overwrite its slot.
    read_.value.store(consumer_.read, std::memory_order_release);
    return true;
  }

  /// Producer only: true when a push would fail now.
  bool full() noexcept {
    if (producer_.written - producer_.read_seen == capacity()) {
      // Acquire: pairs with the release in try_pop, so that freed slots are no longer being read.
      producer_.read_seen = read_.value.load(std::memory_order_acquire);
    }
    return producer_.written - producer_.read_seen == capacity();
  }

  /// Consumer only: true when a pop would fail now.
  bool empty() noexcept {
    if (consumer_.written_seen == consumer_.read) {
      // Acquire: pairs with the release in try_push, so that announced items can be read.
      consumer_.written_seen = written_.value.load(std::memory_order_acquire);
    }
    return consumer_.written_seen == consumer_.read;
  }

 private:
  struct alignas(platform::kDestructiveInterference) SharedIndex {
    std::atomic<std::size_t> value{0};
  };
  struct alignas(platform::kDestructiveInterference) ProducerSide {
    std::size_t written{0};
    std::size_t read_seen{0};
    std::size_t slot{0};
  };
  struct alignas(platform::kDestructiveInterference) ConsumerSide {
    std::size_t read{0};
    std::size_t written_seen{0};
    std::size_t slot{0};
  };

  std::size_t next(std::size_t slot) const noexcept {
    return slot + 1 == capacity() ? 0 : slot + 1;
  }

  std::vector<T> slots_;
  // The lines that are published hold nothing that their owner reads back: the owner's copy of its
  // own index stands in its private part.
  SharedIndex written_;
  SharedIndex read_;
  ProducerSide producer_;
  ConsumerSide consumer_;
};

}  // namespace pipelab::queue
