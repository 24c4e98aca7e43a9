#pragma once

#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <shared_mutex>
#include <tuple>
#include <vector>

#include "platform/cpu.hpp"
#include "workloads/feed/message.hpp"

namespace pipelab::feed {

/// What a client knows of a symbol.
struct Entry {
  std::uint32_t bid{0};
  std::uint32_t ask{0};
  std::uint32_t trade{0};
  std::uint32_t quantity{0};
  Sequence sequence{0};
  platform::Nanoseconds generated_ns{0};
  std::uint64_t updates{0};
  std::uint64_t check{0};  ///< of all that is above

  /// Whether all of it is of one update.
  bool is_whole() const noexcept { return check == checked(); }

  void update(const Message& message) noexcept {
    const bool is_quote = message.type == Message::Type::kQuote;
    bid = is_quote ? message.bid : bid;
    ask = is_quote ? message.ask : ask;
    trade = is_quote ? trade : message.bid;
    quantity = message.quantity;
    sequence = message.sequence;
    generated_ns = message.generated_ns;
    ++updates;
    check = checked();
  }

 private:
  std::uint64_t checked() const noexcept {
    return (static_cast<std::uint64_t>(bid) << 32U | ask) +
           3 * (static_cast<std::uint64_t>(trade) << 32U | quantity) + 5 * sequence +
           7 * static_cast<std::uint64_t>(generated_ns) + 11 * updates;
  }
};

/// Entries that one thread writes and others read, each under a sequence lock of its own: a reader
/// reads again where the writer was at work meanwhile, and never makes it wait (H.-J. Boehm, "Can
/// seqlocks get along with programming language memory models?", 2012).
class SeqlockCache {
 public:
  explicit SeqlockCache(std::size_t symbols) : slots_(symbols) {}

  static std::size_t bytes(std::size_t symbols) noexcept { return symbols * sizeof(Slot); }

  void update(const Message& message) noexcept {
    Slot& slot = slots_[message.symbol];
    slot.mine.update(message);
    const auto words = std::bit_cast<Words>(slot.mine);
    const std::uint32_t version = slot.version.load(std::memory_order_relaxed);
    slot.version.store(version + 1, std::memory_order_relaxed);
    // Release: nobody sees a word of this update without the odd version.
    std::atomic_thread_fence(std::memory_order_release);
    for (std::size_t word = 0; word < words.size(); ++word) {
      slot.words[word].store(words[word], std::memory_order_relaxed);
    }
    slot.version.store(version + 2, std::memory_order_release);
  }

  Entry read(std::size_t symbol) const noexcept {
    const Slot& slot = slots_[symbol];
    for (;;) {
      const std::uint32_t before = slot.version.load(std::memory_order_acquire);
      Words words{};
      for (std::size_t word = 0; word < words.size(); ++word) {
        words[word] = slot.words[word].load(std::memory_order_relaxed);
      }
      // Acquire: the version is read after the words.
      std::atomic_thread_fence(std::memory_order_acquire);
      if (before % 2 == 0 && before == slot.version.load(std::memory_order_relaxed)) {
        return std::bit_cast<Entry>(words);
      }
      platform::let_others_run();  // the writer may have lost this CPU
    }
  }

 private:
  using Words = std::array<std::uint64_t, sizeof(Entry) / sizeof(std::uint64_t)>;

  struct alignas(64) Slot {
    std::atomic<std::uint32_t> version{0};
    std::array<std::atomic<std::uint64_t>, std::tuple_size_v<Words>> words{};
    Entry mine{};  // the writer's own copy, on a line that no reader touches
  };

  std::vector<Slot> slots_;
};

/// The same under one lock for all: std::mutex, or std::shared_mutex, which readers share.
template <class Mutex>
class LockedCache {
 public:
  explicit LockedCache(std::size_t symbols) : entries_(symbols) {}

  static std::size_t bytes(std::size_t symbols) noexcept { return symbols * sizeof(Entry); }

  void update(const Message& message) {
    const std::lock_guard lock(mutex_);
    entries_[message.symbol].update(message);
  }

  Entry read(std::size_t symbol) const {
    if constexpr (requires { mutex_.lock_shared(); }) {
      const std::shared_lock lock(mutex_);
      return entries_[symbol];
    } else {
      const std::lock_guard lock(mutex_);
      return entries_[symbol];
    }
  }

 private:
  mutable Mutex mutex_;
  std::vector<Entry> entries_;
};

}  // namespace pipelab::feed
