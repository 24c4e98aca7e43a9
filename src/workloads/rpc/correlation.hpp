#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <unordered_map>
#include <vector>

#include "platform/clock.hpp"
#include "platform/cpu.hpp"

namespace pipelab::rpc {

/// What a client knows of a request that has no reply yet.
struct Pending {
  platform::Nanoseconds intended_ns{0};
  platform::Nanoseconds sent_ns{0};
  std::int64_t number{0};
};

/// What the id of a reply says: the request is there; it had its reply or was given up; there never
/// was one.
enum class Match { kFound, kLate, kUnknown };

/// The first id. All that follow have as many digits, and a double has them exactly.
inline constexpr std::int64_t kFirstId = 1'000'000'000'000'000;

// What finds the request of a reply has these, the first for the thread that sends, and the others
// for the one that receives:
//
//     add(pending)                remembers a request, of no more than the window has; its id
//     take(id, pending)           ends it: a Match, and with kFound what was remembered
//     expire(before_ns, expired)  ends those that were sent before then; expired(pending) each

/// An array: an id is a place in it and how often that was used before, so that a reply to who was
/// there earlier is known to be late. Neither side locks, and neither writes what the other does
/// but for the word that says whose turn a place is.
class Slots {
 public:
  explicit Slots(std::size_t window) : slots_(std::bit_ceil(2 * window)) {
    std::int64_t id = kFirstId - static_cast<std::int64_t>(slots_.size());
    for (Slot& slot : slots_) {
      slot.word.store(free(id++), std::memory_order_relaxed);  // no other thread has it yet
    }
  }

  std::int64_t add(const Pending& pending) noexcept {
    // There are twice as many as can be in use. Acquire: who freed it has read it.
    std::uint64_t word = 0;
    while (is_used(word = at(next_).word.load(std::memory_order_acquire))) {
      ++next_;
    }
    Slot& slot = at(next_++);
    slot.pending = pending;
    const std::int64_t id = id_of(word) + static_cast<std::int64_t>(slots_.size());
    slot.word.store(used(id), std::memory_order_release);  // with what stands there
    return id;
  }

  Match take(std::int64_t id, Pending& pending) noexcept {
    if (id < kFirstId) {
      return Match::kUnknown;
    }
    Slot& slot = at(static_cast<std::size_t>(id - kFirstId));
    const std::uint64_t word = slot.word.load(std::memory_order_acquire);
    if (word != used(id)) {
      return id <= id_of(word) ? Match::kLate : Match::kUnknown;
    }
    pending = slot.pending;
    slot.word.store(free(id), std::memory_order_release);
    return Match::kFound;
  }

  template <class Expired>
  void expire(platform::Nanoseconds before_ns, Expired expired) {
    for (Slot& slot : slots_) {
      const std::uint64_t word = slot.word.load(std::memory_order_acquire);
      if (is_used(word) && slot.pending.sent_ns < before_ns) {
        const Pending pending = slot.pending;
        slot.word.store(free(id_of(word)), std::memory_order_release);
        expired(pending);
      }
    }
  }

 private:
  struct Slot {
    std::atomic<std::uint64_t> word;  ///< the id that it has or had, and whether that is in use
    Pending pending;
  };

  static std::uint64_t used(std::int64_t id) noexcept { return free(id) | 1U; }
  static std::uint64_t free(std::int64_t id) noexcept {
    return static_cast<std::uint64_t>(id) << 1U;
  }
  static bool is_used(std::uint64_t word) noexcept { return (word & 1U) != 0; }
  static std::int64_t id_of(std::uint64_t word) noexcept {
    return static_cast<std::int64_t>(word >> 1U);
  }

  Slot& at(std::size_t place) noexcept { return slots_[place & (slots_.size() - 1)]; }

  std::vector<Slot> slots_;
  std::size_t next_{0};
};

/// Hash tables under a mutex each, between which the id chooses.
template <std::size_t kShards>
class Tables {
 public:
  explicit Tables(std::size_t window) {
    for (Shard& shard : shards_) {
      shard.requests.reserve(2 * window / kShards + 1);
    }
  }

  std::int64_t add(const Pending& pending) {
    // Relaxed: this thread alone writes it.
    const std::int64_t id = next_.load(std::memory_order_relaxed);
    next_.store(id + 1, std::memory_order_relaxed);
    Shard& shard = shard_of(id);
    const std::lock_guard lock(shard.mutex);
    shard.requests.emplace(id, pending);
    return id;
  }

  Match take(std::int64_t id, Pending& pending) {
    Shard& shard = shard_of(id);
    const std::lock_guard lock(shard.mutex);
    const auto found = shard.requests.find(id);
    if (found == shard.requests.end()) {
      // Relaxed: who has an id that was given has seen this, too.
      const bool was_given = id >= kFirstId && id < next_.load(std::memory_order_relaxed);
      return was_given ? Match::kLate : Match::kUnknown;
    }
    pending = found->second;
    shard.requests.erase(found);
    return Match::kFound;
  }

  template <class Expired>
  void expire(platform::Nanoseconds before_ns, Expired expired) {
    for (Shard& shard : shards_) {
      const std::lock_guard lock(shard.mutex);
      std::erase_if(shard.requests, [&](const auto& each) {
        const bool is_over = each.second.sent_ns < before_ns;
        if (is_over) {
          expired(each.second);
        }
        return is_over;
      });
    }
  }

 private:
  struct alignas(platform::kDestructiveInterference) Shard {
    std::mutex mutex;
    std::unordered_map<std::int64_t, Pending> requests;
  };

  Shard& shard_of(std::int64_t id) noexcept {
    return shards_[static_cast<std::uint64_t>(id) % kShards];
  }

  std::array<Shard, kShards> shards_;
  std::atomic<std::int64_t> next_{kFirstId};
};

using Map = Tables<1>;
using Sharded = Tables<64>;

}  // namespace pipelab::rpc
