#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory_resource>
#include <optional>
#include <vector>

#include "platform/clock.hpp"
#include "workloads/feed/message.hpp"

namespace pipelab::feed {

/// When the last of a server's writes began, and up to which message each went; in memory that both
/// sides have. What a client has read was noted before it was written, so that it is there.
class WriteLog {
 public:
  /// Remembers so many writes, a power of two.
  WriteLog(std::size_t writes, std::pmr::memory_resource& shared) : writes_(writes, &shared) {}

  static std::size_t bytes(std::size_t writes) noexcept { return writes * sizeof(Write); }

  /// Notes a write up to message `last`, now.
  void begin(Sequence last, platform::Nanoseconds now_ns) noexcept {
    const std::uint64_t count = count_.load(std::memory_order_relaxed);
    Write& write = at(count);
    write.last.store(last, std::memory_order_relaxed);
    write.begin_ns.store(now_ns, std::memory_order_relaxed);
    // Release: who sees the count sees the write.
    count_.store(count + 1, std::memory_order_release);
  }

  /// The last write ended after that message. Relaxed: none behind it can be read yet.
  void shorten(Sequence last) noexcept {
    at(count_.load(std::memory_order_relaxed) - 1).last.store(last, std::memory_order_relaxed);
  }

  /// When the first write began that went up to that message; none where it is forgotten.
  std::optional<platform::Nanoseconds> find(Sequence sequence) const noexcept {
    const std::uint64_t end = count_.load(std::memory_order_acquire);
    const std::uint64_t oldest = end > writes_.size() ? end - writes_.size() : 0;
    std::uint64_t low = oldest;
    std::uint64_t high = end;
    while (low < high) {
      const std::uint64_t middle = low + (high - low) / 2;
      if (distance(sequence, at(middle).last.load(std::memory_order_relaxed)) < 0) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    if (low == end) {
      return std::nullopt;
    }
    const platform::Nanoseconds begin_ns = at(low).begin_ns.load(std::memory_order_relaxed);
    // Acquire: what was read before may have been written anew meanwhile; and before the oldest
    // there may have been another that went as far.
    std::atomic_thread_fence(std::memory_order_acquire);
    const bool is_sure = low > oldest || oldest == 0;
    return is_sure && low + writes_.size() > count_.load(std::memory_order_relaxed)
               ? std::optional(begin_ns)
               : std::nullopt;
  }

 private:
  struct Write {
    std::atomic<Sequence> last{0};
    std::atomic<platform::Nanoseconds> begin_ns{0};
  };

  Write& at(std::uint64_t number) noexcept {
    return writes_[static_cast<std::size_t>(number & (writes_.size() - 1))];
  }
  const Write& at(std::uint64_t number) const noexcept {
    return writes_[static_cast<std::size_t>(number & (writes_.size() - 1))];
  }

  std::pmr::vector<Write> writes_;
  std::atomic<std::uint64_t> count_{0};
};

}  // namespace pipelab::feed
