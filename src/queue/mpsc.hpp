#pragma once

#include <concepts>
#include <cstddef>

namespace pipelab::queue {

/// A queue that any number of threads push into, each by a Producer of its own, and one pops from.
/// It is made for so many producers, each of which may have a share of so many items in it.
///
///     Queue queue(producers, share);
///     auto producer = queue.producer(which);  // move it into its thread
template <class Q>
concept Mpsc = requires(Q queue, typename Q::Producer producer, const typename Q::Item& in,
                        typename Q::Item& out) {
  { queue.producer(std::size_t{0}) } -> std::same_as<typename Q::Producer>;
  { producer.try_push(in) } -> std::same_as<bool>;  // false: there is no room
  { queue.try_pop(out) } -> std::same_as<bool>;     // false: there is nothing to be had now
  { queue.empty() } -> std::same_as<bool>;          // whether a pop would say so; its thread asks
  { queue.bytes() } -> std::same_as<std::size_t>;   // of memory that it has
};

/// The producer of a queue whose producers have nothing of their own: any may `push`.
template <class Queue>
class SharedProducer {
 public:
  explicit SharedProducer(Queue& queue) : queue_(&queue) {}

  bool try_push(const typename Queue::Item& item) { return queue_->push(item); }

 private:
  Queue* queue_;
};

/// What comes between the two steps of a push where other producers can already see the first: in
/// tests, what becomes of a thread that never makes the second.
struct NoPause {
  void operator()() const noexcept {}
};

}  // namespace pipelab::queue
