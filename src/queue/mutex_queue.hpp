#pragma once

#include <condition_variable>
#include <cstddef>
#include <memory_resource>
#include <mutex>
#include <stdexcept>
#include <utility>
#include <vector>

namespace pipelab::queue {

/// A bounded queue guarded by one mutex, with a condition variable for each direction: what most
/// programs start from, kept as an honest baseline. Any number of threads on either side.
///
/// Items can be exchanged rather than copied: a push gets for its item what lay in the free slot,
/// and a pop leaves there what it was called with. So items may own buffers that nobody has to
/// free.
template <class T>
class MutexQueue {
 public:
  /// Room for `capacity` items (at least 1, or std::invalid_argument is thrown), all touched.
  explicit MutexQueue(std::size_t capacity) : MutexQueue(std::pmr::vector<T>(capacity)) {}

  /// Room for as many items as `slots` has (at least 1, or std::invalid_argument is thrown).
  explicit MutexQueue(std::pmr::vector<T> slots) : slots_(std::move(slots)) {
    if (slots_.empty()) {
      throw std::invalid_argument("a queue needs a capacity of at least 1");
    }
  }

  std::size_t capacity() const noexcept { return slots_.size(); }

  /// Copies `item` in and wakes one waiting consumer; false when the queue is full.
  bool try_push(T item) { return exchange_push(item); }

  /// Exchanges `item` for a free slot's content and wakes one waiting consumer; false when the
  /// queue is full.
  bool exchange_push(T& item) {
    {
      const std::lock_guard lock(mutex_);
      if (size_ == capacity()) {
        return false;
      }
      std::swap(slots_[(first_ + size_) % capacity()], item);
      ++size_;
    }
    not_empty_.notify_one();
    return true;
  }

  /// As exchange_push(), but a full queue gives up its oldest item, which `item` then is. True when
  /// it did.
  bool push_displacing(T& item) {
    bool displaced = false;
    {
      const std::lock_guard lock(mutex_);
      displaced = size_ == capacity();
      std::swap(slots_[(first_ + size_) % capacity()], item);
      if (displaced) {
        first_ = (first_ + 1) % capacity();
      } else {
        ++size_;
      }
    }
    not_empty_.notify_one();
    return displaced;
  }

  /// Exchanges `item` for the oldest one and wakes one waiting producer; false when the queue is
  /// empty.
  bool try_pop(T& item) {
    {
      const std::lock_guard lock(mutex_);
      if (size_ == 0) {
        return false;
      }
      std::swap(item, slots_[first_]);
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
  std::pmr::vector<T> slots_;
  std::size_t first_{0};
  std::size_t size_{0};
  bool closed_{false};
};

}  // namespace pipelab::queue
