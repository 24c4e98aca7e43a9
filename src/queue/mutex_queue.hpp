#pragma once

#include <condition_variable>
#include <cstddef>
#include <mutex>
#include <vector>

namespace pipelab::queue {

/// A bounded queue guarded by one mutex, with a condition variable for each direction: what most
/// programs start from, kept as an honest baseline. Any number of threads on either side.
template <class T>
class MutexQueue {
 public:
  /// Allocates and touches room for `capacity` items (at least 1).
  explicit MutexQueue(std::size_t capacity) : slots_(capacity) {}

  std::size_t capacity() const noexcept { return slots_.size(); }

  /// Copies `item` in and wakes one waiting consumer; false when the queue is full.
  bool try_push(const T& item) {
    {
      const std::lock_guard lock(mutex_);
      if (size_ == capacity()) {
        return false;
      }
      slots_[(first_ + size_) % capacity()] = item;
      ++size_;
    }
    not_empty_.notify_one();
    return true;
  }

  /// Copies the oldest item out and wakes one waiting producer; false when the queue is empty.
  bool try_pop(T& item) {
    {
      const std::lock_guard lock(mutex_);
      if (size_ == 0) {
        return false;
      }
      item = slots_[first_];
      first_ = (first_ + 1) % capacity();
      --size_;
    }
    not_full_.notify_one();
    return true;
  }

  /// True when a push would have failed at the moment of the call.
  bool full() {
    const std::lock_guard lock(mutex_);
    return size_ == capacity();
  }

  /// Sleeps until there is room.
  void wait_not_full() {
    std::unique_lock lock(mutex_);
    not_full_.wait(lock, [this] { return size_ < capacity(); });
  }

  /// Sleeps until there is an item or the queue is closed.
  void wait_not_empty() {
    std::unique_lock lock(mutex_);
    not_empty_.wait(lock, [this] { return size_ > 0 || closed_; });
  }

  /// Says that nothing will be pushed any more, and wakes all consumers.
  void close() {
    {
      const std::lock_guard lock(mutex_);
      closed_ = true;
    }
    not_empty_.notify_all();
  }

  /// True after close(). Items may still be left in the queue.
  bool closed() {
    const std::lock_guard lock(mutex_);
    return closed_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable not_empty_;
  std::condition_variable not_full_;
  std::vector<T> slots_;
  std::size_t first_{0};
  std::size_t size_{0};
  bool closed_{false};
};

}  // namespace pipelab::queue
