#pragma once

#include <atomic>
#include <cstddef>
#include <memory>
#include <type_traits>
#include <utility>
#include <vector>

#include "platform/cpu.hpp"
#include "queue/mpsc.hpp"

namespace pipelab::queue {

/// Where the nodes of a list come from and go to, with `Node` a node that has an `owner`:
///
///     Node* take()         of a producer, for its next item; null when it has no more
///     give_up(node)        of the consumer, when the item has left the node
///     give_back(node)      of the consumer, when the node has left the list, which is later
///
/// A node stays in the list until the next item is popped, so there is one more than items.

/// Nodes from malloc(3), which the consumer frees.
template <class Node>
class HeapNodes {
 public:
  explicit HeapNodes(std::size_t /*share*/) {}

  Node* take() {
    Node* const node = new Node;
    node->owner = this;
    return node;
  }

  void give_up(Node* /*node*/) noexcept {}
  void give_back(Node* node) noexcept { delete node; }
  std::size_t bytes() const noexcept { return 0; }  // what there is depends on how full the list is
};

/// Nodes that are all there from the beginning, in a circle: they leave the list in the order in
/// which they came, so that the consumer only counts, and writes nothing that the next push needs.
template <class Node>
class SlabNodes {
 public:
  explicit SlabNodes(std::size_t share) : nodes_(share + 1) {
    for (Node& node : nodes_) {
      node.owner = this;
    }
  }

  Node* take() noexcept {
    if (taken_ - given_up_seen_ == nodes_.size() - 1) {
      given_up_seen_ = given_up_.load(std::memory_order_acquire);
      if (taken_ - given_up_seen_ == nodes_.size() - 1) {
        return nullptr;
      }
    }
    ++taken_;
    Node* const node = &nodes_[next_];
    next_ = next_ + 1 == nodes_.size() ? 0 : next_ + 1;
    // The consumer's CPU has had the line since a lap ago, and the push will wait for its store.
    if (next_ + kAhead < nodes_.size()) {
      __builtin_prefetch(&nodes_[next_ + kAhead], 1);
    }
    return node;
  }

  void give_up(Node* /*node*/) noexcept {
    // Release: the producer that takes it finds it left alone.
    given_up_.store(++count_, std::memory_order_release);
  }

  void give_back(Node* /*node*/) noexcept {}
  std::size_t bytes() const noexcept { return nodes_.size() * sizeof(Node); }

 private:
  static constexpr std::size_t kAhead = 8;  // nodes: some hundred ns, as a line takes to come

  std::vector<Node> nodes_;
  std::size_t next_{0};
  std::size_t taken_{0};
  std::size_t given_up_seen_{0};
  alignas(platform::kDestructiveInterference) std::atomic<std::size_t> given_up_{0};
  std::size_t count_{0};  // the consumer's
};

/// Nodes that lie in the producer's own objects, each of which says whether it is in the list: what
/// an intrusive list is for. There is room for one item more than its share while none of them is
/// what the list keeps.
template <class Node>
class OwnNodes {
 public:
  explicit OwnNodes(std::size_t share) : nodes_(share + 1) {
    for (Node& node : nodes_) {
      node.owner = this;
    }
  }

  Node* take() noexcept {
    Node& node = nodes_[next_];
    if (node.in_use.load(std::memory_order_acquire)) {
      return nullptr;
    }
    node.in_use.store(true, std::memory_order_relaxed);  // the push publishes it
    next_ = next_ + 1 == nodes_.size() ? 0 : next_ + 1;
    return &node;
  }

  void give_up(Node* /*node*/) noexcept {}
  void give_back(Node* node) noexcept { node->in_use.store(false, std::memory_order_release); }
  std::size_t bytes() const noexcept { return nodes_.size() * sizeof(Node); }

 private:
  std::vector<Node> nodes_;
  std::size_t next_{0};
};

/// D. Vyukov's MPSC list: a push is one atomic exchange and one store, whatever others do
/// (wait-free; it compares and swaps nothing), and a pop one look. Between the two steps of a push
/// the list is cut: what is pushed behind the cut is not to be had until that producer goes on.
/// http://www.1024cores.net/home/lock-free-algorithms/queues/non-intrusive-mpsc-node-based-queue
template <class T, template <class> class Nodes>
class MpscList {
  /// On a line of its own, as the consumer reads one while the producer fills the next; but where
  /// malloc puts it, which serves what is to be aligned three times as slowly.
  static constexpr bool kIsOfHeap = std::is_same_v<Nodes<T>, HeapNodes<T>>;
  struct alignas(kIsOfHeap ? alignof(std::max_align_t)
                           : platform::kDestructiveInterference / 2) Node {
    std::atomic<Node*> next{nullptr};
    Nodes<Node>* owner{nullptr};
    T item{};
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
      // Relaxed: nobody has the node before the exchange.
      node->next.store(nullptr, std::memory_order_relaxed);
      // Release, so that who links to this node sees the store above; acquire, for the same of
      // others.
      Node* const before = list_->newest_.exchange(node, std::memory_order_acq_rel);
      pause();
      before->next.store(node, std::memory_order_release);  // with the item
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
    leave(before_);
  }

  Producer producer(std::size_t which) { return Producer(*this, *nodes_.at(which)); }

  bool try_pop(T& item) noexcept {
    Node* const node = before_->next.load(std::memory_order_acquire);
    if (node == nullptr) {
      return false;
    }
    item = node->item;
    node->owner->give_up(node);
    leave(std::exchange(before_, node));
    return true;
  }

  bool empty() const noexcept { return before_->next.load(std::memory_order_acquire) == nullptr; }

  std::size_t bytes() const noexcept {
    std::size_t bytes = 0;
    for (const auto& nodes : nodes_) {
      bytes += nodes->bytes();
    }
    return bytes;
  }

 private:
  void leave(Node* node) noexcept {
    if (node != &first_) {
      node->owner->give_back(node);
    }
  }

  alignas(platform::kDestructiveInterference) std::atomic<Node*> newest_{&first_};
  alignas(platform::kDestructiveInterference) Node* before_{
      &first_};  // the consumer's: popped last
  Node first_;   // before the first push
  std::vector<std::unique_ptr<Nodes<Node>>> nodes_;
};

}  // namespace pipelab::queue
