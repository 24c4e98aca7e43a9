#include <concurrentqueue/concurrentqueue.h>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <latch>
#include <memory>
#include <optional>
#include <string_view>
#include <thread>
#include <vector>

#include "bench/cell.hpp"
#include "bench/filling.hpp"
#include "bench/pair.hpp"
#include "bench/run_delay.hpp"
#include "platform/clock.hpp"
#include "platform/cpu.hpp"
#include "queue/chunk_queue.hpp"
#include "queue/lanes.hpp"
#include "queue/mpsc_list.hpp"
#include "queue/mpsc_ring.hpp"
#include "queue/swap_queue.hpp"

// Tasks that many producers, which share the first CPU, hand to one consumer on the second: what
// the queues of the workload ingress cost beside moodycamel::ConcurrentQueue, with and without
// tokens.

namespace pipelab::bench {
namespace {

struct Task {
  std::uint64_t producer;
  std::uint64_t number;
};

constexpr std::size_t kShare = 1024;         // of each producer
constexpr std::uint64_t kTasks = 1U << 16U;  // a sample

/// As its author has it: with room for so many tasks from the beginning, and more where they do not
/// fit. It has no bound: a producer with a token keeps its blocks, so that one could take all of a
/// fixed number from the others, which would then wait for ever.
template <bool kTokens>
class Moodycamel {
  using Queue = moodycamel::ConcurrentQueue<Task>;

 public:
  class Producer {
   public:
    explicit Producer(Queue& queue) : queue_(&queue) {
      if constexpr (kTokens) {
        token_.emplace(queue);
      }
    }
    bool try_push(const Task& task) {
      if constexpr (kTokens) {
        return queue_->enqueue(*token_, task);
      } else {
        return queue_->enqueue(task);
      }
    }

   private:
    Queue* queue_;
    std::optional<moodycamel::ProducerToken> token_;
  };

  Moodycamel(std::size_t producers, std::size_t share)
      : queue_(producers * share, kTokens ? producers : 0, kTokens ? 0 : producers),
        token_(queue_) {}

  Producer producer(std::size_t /*which*/) { return Producer(queue_); }

  bool try_pop(Task& task) {
    if constexpr (kTokens) {
      return queue_.try_dequeue(token_, task);
    } else {
      return queue_.try_dequeue(task);
    }
  }

 private:
  Queue queue_;
  moodycamel::ConsumerToken token_;
};

/// Pushes a producer's share of the tasks; lets others run where there is no room.
template <class Queue>
void submit_all(Queue& queue, std::size_t which, std::uint64_t count, std::latch& ready,
                const std::atomic<bool>& go) {
  auto producer = queue.producer(which);
  ready.count_down();
  go.wait(false);
  for (std::uint64_t number = 0; number < count; ++number) {
    while (!producer.try_push({.producer = which, .number = number})) {
      platform::let_others_run();
    }
  }
}

/// From when the producers may begin until all tasks have come.
template <class Queue, std::size_t kProducers>
Measurement submit(const CpuPair& cpus, bool hint) {
  Queue queue(kProducers, kShare);
  std::latch ready(kProducers);
  std::atomic<bool> go{false};
  std::uint64_t wrong = 0;
  Measurement measurement{.items = kTasks};
  const auto produce = [&] {
    std::vector<std::jthread> producers;
    for (std::size_t which = 0; which < kProducers; ++which) {
      producers.emplace_back([&, which] {  // on this thread's CPU
        submit_all(queue, which, kTasks / kProducers, ready, go);
      });
    }
  };
  const auto consume = [&] {
    std::array<std::uint64_t, kProducers> due{};
    ready.wait();
    RunDelayLaps run_delay;
    const platform::Nanoseconds begin_ns = platform::now_ns();
    go = true;
    go.notify_all();
    for (std::uint64_t left = kTasks; left > 0; --left) {
      Task task{};
      while (!queue.try_pop(task)) {
        pause_if(hint);
      }
      wrong |= task.number ^ due.at(static_cast<std::size_t>(task.producer))++;
    }
    measurement.duration_ns = platform::now_ns() - begin_ns;
    measurement.run_delay_ns = run_delay.lap_ns();
  };
  run_pair(cpus, produce, consume);
  check_order(wrong, "a queue of tasks");
  return measurement;
}

template <class Queue>
void add(std::vector<Cell>& cells, std::string_view contender) {
  Cell cell{.work = "submit",
            .contender = contender,
            .mode = "1 producer",
            .batch = 1,
            .item_bytes = sizeof(Task),
            .capacity = kShare,
            .hint = true,
            .measure = submit<Queue, 1>};
  cells.push_back(cell);
  cell.mode = "8 producers";
  cell.measure = submit<Queue, 8>;
  cells.push_back(cell);
  cell.mode = "32 producers";
  cell.measure = submit<Queue, 32>;
  cells.push_back(cell);
}

}  // namespace

void add_submits(std::vector<Cell>& cells) {
  using queue::Popping;
  add<queue::MpscList<Task, queue::SlabNodes>>(cells, "list slab");
  add<queue::MpscList<Task, queue::HeapNodes>>(cells, "list malloc");
  add<queue::MpscList<Task, queue::OwnNodes>>(cells, "list intrusive");
  add<queue::SwapQueue<Task>>(cells, "mutex swap");
  add<queue::ChunkQueue<Task, Popping::kUnderLock>>(cells, "mutex chunk");
  add<queue::ChunkQueue<Task, Popping::kDetached>>(cells, "mutex detach");
  add<queue::MpscRing<Task>>(cells, "ticket ring");
  add<queue::Lanes<Task>>(cells, "lanes");
  add<Moodycamel<false>>(cells, "ConcurrentQueue");
  add<Moodycamel<true>>(cells, "ConcurrentQueue tokens");
}

}  // namespace pipelab::bench
