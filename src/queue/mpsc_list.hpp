#pragma once

#include <atomic>
#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

#include "platform/cpu.hpp"
#include "queue/mpsc.hpp"

namespace pipelab::queue {

/// Where the nodes of a list come from and go to, with `Node` a node that knows its `owner`:
///
///     Node* take()         of a producer, for its next item; null when it has no more
///     give_back(node)      of the consumer, when the item has left the node

/// Nodes from malloc(3), which the consumer frees.
template <class Node>
class HeapNodes {
 public:
  explicit HeapNodes(std::size_t /*share*/) {}
  Node* take() { return new Node; }
  void give_back(Node* node) noexcept { delete node; }
  std::size_t bytes() const noexcept { return 0; }  // what there is depends on how full the list is
};

/// Nodes that are all there from the beginning, and are taken from a stack to which the consumer
/// returns them. The producer takes all that came back at once, so that there is no ABA.
template <class Node>
class SlabNodes {
 public:
  explicit SlabNodes(std::size_t share) : nodes_(share) {
    for (Node& node : nodes_) {
      node.below = std::exchange(free_, &node);
    }
  }

  Node* take() noexcept {
    if (free_ == nullptr) {
      free_ = returned_.exchange(nullptr, std::memory_order_acquire);
    }
    return free_ == nullptr ? nullptr : std::exchange(free_, free_->below);
  }

  void give_back(Node* node) noexcept {
    node->below = returned_.load(std::memory_order_relaxed);
    // Release: the producer that takes it finds it left alone.
    while (!returned_.compare_exchange_weak(node->below, node, std::memory_order_release,
                                            std::memory_order_relaxed)) {
    }
  }

  std::size_t bytes() const noexcept { return nodes_.size() * sizeof(Node); }

 private:
  std::vector<Node> nodes_;
  Node* free_{nullptr};
  alignas(platform::kDestructiveInterference) std::atomic<Node*> returned_{nullptr};
};

/// Nodes that lie in the producer's own objects, which it uses again and again, each when its last
/// use is over: what an intrusive list is for.
template <class Node>
class OwnNodes {
 public:
  explicit OwnNodes(std::size_t share) : nodes_(share) {}

  Node* take() noexcept {
    Node& node = nodes_[next_];
    if (node.in_use.load(std::memory_order_acquire)) {
      return nullptr;
    }
    node.in_use.store(true, std::memory_order_relaxed);  // the push publishes it
    next_ = next_ + 1 == nodes_.size() ? 0 : next_ + 1;
    return &node;
  }

  void give_back(Node* node) noexcept { node->in_use.store(false, std::memory_order_release); }
  std::size_t bytes() const noexcept { return nodes_.size() * sizeof(Node); }

 private:
  std::vector<Node> nodes_;
  std::size_t next_{0};
};

/// D. Vyukov's intrusive MPSC list: a push is one atomic exchange and one store, whatever others do
/// (wait-free; it compares and swaps nothing). Between the two the list is cut: the item before the
/// cut, and all that are pushed behind it, are not to be had until that producer goes on.
/// http://www.1024cores.net/home/lock-free-algorithms/queues/intrusive-mpsc-node-based-queue
template <class T, template <class> class Nodes>
class MpscList {
  struct Node {
    std::atomic<Node*> next{nullptr};
    T item{};
    Nodes<Node>* owner{nullptr};
    Node* below{nullptr};             // of SlabNodes
    std::atomic<bool> in_use{false};  // of OwnNodes
  };

 public:
  using Item = T;

  class Producer {
   public:
    template <class Pause = NoPause>
    bool try_push(const T& item, Pause pause = {}) {
      Node* const node = nodes_->take();
      if (node == nullptr) {
        return false;
      }
      node->item = item;
      node->owner = nodes_;
      list_->push(node, pause);
      return true;
    }

   private:
    friend class MpscList;
    Producer(MpscList& list, Nodes<Node>& nodes) : list_(&list), nodes_(&nodes) {}

    MpscList* list_;
    Nodes<Node>* nodes_;
  };

  MpscList(std::size_t producers, std::size_t share) {
    for (std::size_t which = 0; which < producers; ++which) {
      nodes_.push_back(std::make_unique<Nodes<Node>>(share));
    }
  }
  MpscList(const MpscList&) = delete;
  MpscList& operator=(const MpscList&) = delete;
  MpscList(MpscList&&) = delete;
  MpscList& operator=(MpscList&&) = delete;

  ~MpscList() {
    for (T item; try_pop(item);) {
    }
  }

  Producer producer(std::size_t which) { return Producer(*this, *nodes_.at(which)); }

  bool try_pop(T& item) noexcept {
    Node* const node = pop();
    if (node == nullptr) {
      return false;
    }
    item = node->item;
    node->owner->give_back(node);
    return true;
  }

  bool empty() const noexcept {
    const bool last = first_->next.load(std::memory_order_acquire) == nullptr;
    return last && (first_ == &stub_ || newest_.load(std::memory_order_acquire) != first_);
  }

  std::size_t bytes() const noexcept {
    std::size_t bytes = 0;
    for (const auto& nodes : nodes_) {
      bytes += nodes->bytes();
    }
    return bytes;
  }

 private:
  template <class Pause>
  void push(Node* node, Pause pause) {
    // Relaxed: nobody has the node before the exchange.
    node->next.store(nullptr, std::memory_order_relaxed);
    // Release, so that who links to this node sees the store above; acquire, for the same of
    // others.
    Node* const before = newest_.exchange(node, std::memory_order_acq_rel);
    pause();
    before->next.store(node, std::memory_order_release);  // with the item
  }

  /// The oldest node, which is out of the list; null when there is none before a cut.
  Node* pop() noexcept {
    Node* next = first_->next.load(std::memory_order_acquire);
    if (first_ == &stub_) {
      if (next == nullptr) {
        return nullptr;
      }
      first_ = next;
      next = next->next.load(std::memory_order_acquire);
    }
    if (next == nullptr) {
      if (newest_.load(std::memory_order_acquire) != first_) {
        return nullptr;
      }
      push(&stub_, NoPause{});  // so that the last one can leave
      next = first_->next.load(std::memory_order_acquire);
    }
    return next == nullptr ? nullptr : std::exchange(first_, next);
  }

  alignas(platform::kDestructiveInterference) std::atomic<Node*> newest_{&stub_};
  alignas(platform::kDestructiveInterference) Node* first_{&stub_};  // the consumer's
  Node stub_;
  std::vector<std::unique_ptr<Nodes<Node>>> nodes_;
};

}  // namespace pipelab::queue
