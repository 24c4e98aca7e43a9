#pragma once

#include <cstddef>
#include <mutex>
#include <utility>
#include <vector>

#include "platform/cpu.hpp"
#include "queue/mpsc.hpp"

namespace pipelab::queue {

/// A vector that producers add to under a mutex, and that the consumer takes whole, by swapping it
/// for the one that it is done with: it locks once a batch.
template <class T>
class SwapQueue {
 public:
  using Item = T;

  using Producer = SharedProducer<SwapQueue>;

  SwapQueue(std::size_t producers, std::size_t share) : capacity_(producers * share) {
    for (std::vector<T>* const items : {&coming_, &taken_}) {
      items->resize(capacity_);  // touched
      items->clear();
    }
  }

  Producer producer(std::size_t /*which*/) { return Producer(*this); }

  bool try_pop(T& item) {
    if (next_ == taken_.size() && !swap()) {
      return false;
    }
    item = taken_[next_++];
    return true;
  }

  bool empty() {
    if (next_ < taken_.size()) {
      return false;
    }
    const std::lock_guard lock(mutex_);
    return coming_.empty();
  }

  std::size_t bytes() const noexcept { return 2 * capacity_ * sizeof(T); }

 private:
  friend Producer;

  bool push(const T& item) {
    const std::lock_guard lock(mutex_);
    if (coming_.size() == capacity_) {
      return false;
    }
    coming_.push_back(item);
    return true;
  }

  bool swap() {
    taken_.clear();
    next_ = 0;
    const std::lock_guard lock(mutex_);
    std::swap(coming_, taken_);
    return !taken_.empty();
  }

  std::size_t capacity_;
  std::mutex mutex_;
  std::vector<T> coming_;
  alignas(platform::kDestructiveInterference) std::vector<T> taken_;  // the consumer's
  std::size_t next_{0};
};

}  // namespace pipelab::queue
