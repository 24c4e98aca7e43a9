#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory_resource>
#include <new>
#include <variant>
#include <vector>

#include "platform/cpu.hpp"
#include "queue/spsc_ring.hpp"
#include "workloads/rpc/shared_stack.hpp"
#if PIPELAB_MIMALLOC
#include <mimalloc.h>
#endif

namespace pipelab::rpc {

/// What a pool gave: null where it has none.
struct Taken {
  char* buffer{nullptr};
  bool came_back{false};  ///< somebody had it before
};

// Where the buffers come from that one side takes and the other gives back. A pool is made of how
// many there are, how long they are, and the memory that both sides have. Taker(pool).take() is for
// one thread, and Giver(pool).give(buffer) for one.

/// Buffers side by side, whose memory is touched. Each leaves once as a new one.
class Stock {
  struct alignas(platform::kDestructiveInterference) Line {
    std::array<char, platform::kDestructiveInterference> bytes;
  };

 public:
  Stock(std::size_t buffers, std::size_t bytes, std::pmr::memory_resource& shared)
      : lines_each_(lines(bytes)), buffers_(buffers), memory_(buffers * lines_each_, &shared) {}

  /// How many bytes each takes.
  static std::size_t stride(std::size_t bytes) noexcept { return lines(bytes) * sizeof(Line); }

  /// One that nobody had yet; null where there is none.
  char* fresh() noexcept {
    // Relaxed: a number, and nothing with it.
    const bool any = next_.load(std::memory_order_relaxed) < buffers_;
    const std::size_t place = any ? next_.fetch_add(1, std::memory_order_relaxed) : buffers_;
    return place < buffers_ ? at(place) : nullptr;
  }

  char* at(std::size_t place) noexcept { return memory_[place * lines_each_].bytes.data(); }
  std::uint32_t place_of(const char* buffer) const noexcept {
    const auto bytes = static_cast<std::size_t>(buffer - memory_.front().bytes.data());
    return static_cast<std::uint32_t>(bytes / sizeof(Line)) /
           static_cast<std::uint32_t>(lines_each_);
  }

 private:
  static std::size_t lines(std::size_t bytes) noexcept {
    return (bytes + sizeof(Line) - 1) / sizeof(Line);
  }

  std::size_t lines_each_;
  std::size_t buffers_;
  std::pmr::vector<Line> memory_;
  std::atomic<std::size_t> next_{0};
};

/// A stock to which a ring brings back what was read: the one that has been away for longest is the
/// next. What one thread takes and another gives back needs no lock.
class RingPool {
  using Ring = queue::SpscRing<char*, queue::Eager, std::pmr::polymorphic_allocator<char*>>;

 public:
  RingPool(std::size_t buffers, std::size_t bytes, std::pmr::memory_resource& shared)
      : stock_(buffers, bytes, shared), returned_(buffers, 1, &shared) {}

  class Taker {
   public:
    explicit Taker(RingPool& pool) : stock_(pool.stock_), returned_(pool.returned_.consumer()) {}
    Taken take() noexcept {
      char* buffer = nullptr;
      if (returned_.try_pop(buffer)) {
        return {.buffer = buffer, .came_back = true};
      }
      return {.buffer = stock_.fresh()};
    }

   private:
    Stock& stock_;
    Ring::Consumer returned_;
  };

  class Giver {
   public:
    explicit Giver(RingPool& pool) : returned_(pool.returned_.producer()) {}
    void give(char* buffer) noexcept {
      static_cast<void>(returned_.try_push(buffer));  // there is room for all that there are
    }

   private:
    Ring::Producer returned_;
  };

 private:
  Stock stock_;
  Ring returned_;
};

/// A stock and a stack that both sides change: the one that was read last is the next, and its
/// lines may still be in a cache.
class StackPool {
 public:
  StackPool(std::size_t buffers, std::size_t bytes, std::pmr::memory_resource& shared)
      : stock_(buffers, bytes, shared), free_(buffers, shared) {}

  class Taker {
   public:
    explicit Taker(StackPool& pool) : pool_(pool) {}
    Taken take() noexcept {
      std::uint32_t place = 0;
      if (pool_.free_.pop(place)) {
        return {.buffer = pool_.stock_.at(place), .came_back = true};
      }
      return {.buffer = pool_.stock_.fresh()};
    }

   private:
    StackPool& pool_;
  };

  class Giver {
   public:
    explicit Giver(StackPool& pool) : pool_(pool) {}
    void give(char* buffer) noexcept { pool_.free_.push(pool_.stock_.place_of(buffer)); }

   private:
    StackPool& pool_;
  };

 private:
  Stock stock_;
  SharedStack free_;
};

/// No stock: each buffer is allocated here and freed there.
template <void* (*kAllocate)(std::size_t), void (*kFree)(void*)>
class HeapPool {
 public:
  HeapPool(std::size_t /*buffers*/, std::size_t bytes, std::pmr::memory_resource& /*shared*/)
      : bytes_(bytes) {}

  class Taker {
   public:
    explicit Taker(const HeapPool& pool) : bytes_(pool.bytes_) {}
    Taken take() const {
      auto* const buffer = static_cast<char*>(kAllocate(bytes_));
      if (buffer == nullptr) {
        throw std::bad_alloc();
      }
      return {.buffer = buffer};
    }

   private:
    std::size_t bytes_;
  };

  class Giver {
   public:
    explicit Giver(const HeapPool& /*pool*/) {}
    void give(char* buffer) noexcept { kFree(buffer); }
  };

 private:
  std::size_t bytes_;
};

using MallocPool = HeapPool<std::malloc, std::free>;
#if PIPELAB_MIMALLOC
using MimallocPool = HeapPool<mi_malloc, mi_free>;
/// Any of them. What is chosen once costs a jump that is always the same.
using AnyPool = std::variant<RingPool, StackPool, MallocPool, MimallocPool>;
using AnyTaker =
    std::variant<RingPool::Taker, StackPool::Taker, MallocPool::Taker, MimallocPool::Taker>;
using AnyGiver =
    std::variant<RingPool::Giver, StackPool::Giver, MallocPool::Giver, MimallocPool::Giver>;
#else
using AnyPool = std::variant<RingPool, StackPool, MallocPool>;
using AnyTaker = std::variant<RingPool::Taker, StackPool::Taker, MallocPool::Taker>;
using AnyGiver = std::variant<RingPool::Giver, StackPool::Giver, MallocPool::Giver>;
#endif

}  // namespace pipelab::rpc
