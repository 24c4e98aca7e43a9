#pragma once

#include <cstddef>
#include <deque>
#include <vector>

#include "queue/mpsc.hpp"
#include "queue/spsc_ring.hpp"

namespace pipelab::queue {

/// A wait-free ring for each producer, which the consumer sweeps: it takes one item of each lane in
/// turn, so that none waits for more than one of every other. Items of different producers have no
/// order.
template <class T>
class Lanes {
  using Ring = SpscRing<T>;

 public:
  using Item = T;
  using Producer = typename Ring::Producer;

  Lanes(std::size_t producers, std::size_t share) : share_(share) {
    for (std::size_t which = 0; which < producers; ++which) {
      consumers_.push_back(rings_.emplace_back(share).consumer());
    }
  }

  Producer producer(std::size_t which) { return rings_.at(which).producer(); }

  bool try_pop(T& item) {
    for (std::size_t looked = 0; looked < consumers_.size(); ++looked) {
      const bool popped = consumers_[next_].try_pop(item);
      next_ = next_ + 1 == consumers_.size() ? 0 : next_ + 1;
      if (popped) {
        return true;
      }
    }
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
  std::size_t next_{0};
};

}  // namespace pipelab::queue
