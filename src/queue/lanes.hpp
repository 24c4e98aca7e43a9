#pragma once

#include <cstddef>
#include <deque>
#include <vector>

#include "queue/mpsc.hpp"
#include "queue/spsc_ring.hpp"

namespace pipelab::queue {

/// A wait-free ring for each producer, which the consumer sweeps: it takes up to 32 items of each
/// lane in turn, so that none waits for more than these of every other, and lines of a lane come
/// over together. Items of different producers have no order.
template <class T>
class Lanes {
  using Ring = SpscRing<T>;

 public:
  static constexpr std::size_t kRun = 32;  ///< items of a lane, then those of the next

  using Item = T;
  using Producer = typename Ring::Producer;

  Lanes(std::size_t producers, std::size_t share) : share_(share) {
    for (std::size_t which = 0; which < producers; ++which) {
      consumers_.push_back(rings_.emplace_back(share).consumer());
    }
  }

  Producer producer(std::size_t which) { return rings_.at(which).producer(); }

  bool try_pop(T& item) {
    if (left_ > 0 && consumers_[lane_].try_pop(item)) {
      --left_;
      return true;
    }
    for (std::size_t looked = 0; looked < consumers_.size(); ++looked) {
      lane_ = lane_ + 1 == consumers_.size() ? 0 : lane_ + 1;
      if (consumers_[lane_].try_pop(item)) {
        left_ = kRun - 1;
        return true;
      }
    }
    left_ = 0;
    return false;
  }

  bool empty() noexcept {
    for (auto& consumer : consumers_) {
      if (!consumer.empty()) {
        return false;
      }
    }
    return true;
  }

  std::size_t bytes() const noexcept { return rings_.size() * share_ * sizeof(T); }

 private:
  std::size_t share_;
  std::deque<Ring> rings_;
  std::vector<typename Ring::Consumer> consumers_;
  std::size_t lane_{0};
  std::size_t left_{0};  // items that may come of this lane
};

}  // namespace pipelab::queue
