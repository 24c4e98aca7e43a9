#pragma once

#include <array>
#include <cstddef>
#include <mutex>
#include <vector>

#include "platform/cpu.hpp"
#include "queue/mpsc.hpp"

namespace pipelab::queue {

/// Who locks for a pop of a ChunkQueue: everyone, or only who needs another chunk.
enum class Popping { kUnderLock, kDetached };

/// Chunks of 128 items, in a circle, that producers fill under a mutex. The consumer pops item by
/// item under it, too; or it detaches the oldest chunk, as full as it is, and pops from that alone.
template <class T, Popping kPopping>
class ChunkQueue {
  static constexpr std::size_t kChunkItems = 128;

  struct Chunk {
    std::array<T, kChunkItems> items{};
    std::size_t begin{0};
    std::size_t end{0};

    bool empty() const noexcept { return begin == end; }
  };

 public:
  using Item = T;

  using Producer = SharedProducer<ChunkQueue>;

  // Beside the full chunks: one that is detached, one that is partly popped, one that is filled.
  ChunkQueue(std::size_t producers, std::size_t share)
      : capacity_(producers * share), chunks_(capacity_ / kChunkItems + 3) {}

  Producer producer(std::size_t /*which*/) { return Producer(*this); }

  bool try_pop(T& item) {
    if constexpr (kPopping == Popping::kDetached) {
      if (detached_->empty() && !detach()) {
        return false;
      }
      item = detached_->items[detached_->begin++];
      return true;
    } else {
      const std::lock_guard lock(mutex_);
      if (size_ == 0) {
        return false;
      }
      Chunk& oldest = chunks_[first_];
      item = oldest.items[oldest.begin++];
      --size_;
      if (oldest.empty()) {
        oldest.begin = oldest.end = 0;
        first_ = first_ == last_ ? first_ : after(first_);
      }
      return true;
    }
  }

  bool empty() {
    if (!detached_->empty()) {
      return false;
    }
    const std::lock_guard lock(mutex_);
    return size_ == 0;
  }

  std::size_t bytes() const noexcept { return chunks_.size() * sizeof(Chunk); }

 private:
  friend Producer;

  std::size_t after(std::size_t chunk) const noexcept {
    return chunk + 1 == chunks_.size() ? 0 : chunk + 1;
  }

  bool push(const T& item) {
    const std::lock_guard lock(mutex_);
    if (size_ == capacity_) {
      return false;
    }
    if (chunks_[last_].end == kChunkItems) {
      last_ = after(last_);
    }
    Chunk& newest = chunks_[last_];
    newest.items[newest.end++] = item;
    ++size_;
    return true;
  }

  bool detach() {
    const std::lock_guard lock(mutex_);
    detached_->begin = detached_->end = 0;  // free for producers again
    detached_ = &none_;
    if (size_ == 0) {
      return false;
    }
    detached_ = &chunks_[first_];
    size_ -= detached_->end;
    last_ = first_ == last_ ? after(last_) : last_;
    first_ = after(first_);
    return true;
  }

  std::size_t capacity_;
  std::mutex mutex_;
  std::vector<Chunk> chunks_;
  std::size_t first_{0};  // the oldest chunk
  std::size_t last_{0};   // the one that is filled
  std::size_t size_{0};   // items in all of them but the detached one
  alignas(platform::kDestructiveInterference) Chunk none_;  // the consumer's
  Chunk* detached_{&none_};
};

}  // namespace pipelab::queue
