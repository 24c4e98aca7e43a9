#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory_resource>
#include <stdexcept>
#include <type_traits>
#include <utility>
#include <variant>

#include "platform/clock.hpp"
#include "platform/cpu.hpp"
#include "queue/spsc_ring.hpp"
#include "threads/bells.hpp"
#include "threads/waiter.hpp"
#include "workloads/rpc/link.hpp"
#include "workloads/rpc/options.hpp"
#include "workloads/rpc/pools.hpp"

namespace pipelab::rpc {

/// Joins them by memory that both have: messages are written into buffers of a pool, which a ring
/// hands over, and read where they are.
class RingsLink {
  using Ring = queue::SpscRing<Frame, queue::Eager, std::pmr::polymorphic_allocator<Frame>>;

  /// What goes one way.
  struct Way {
    Way(const Options& options, std::size_t most_bytes, std::pmr::memory_resource& shared)
        : frames(options.messages(), 1, &shared),
          pool(make_pool(options, most_bytes, shared)),
          bell(shared) {}

    Ring frames;
    AnyPool pool;
    threads::ElidedBell bell;  // at which who takes the frames sleeps
  };

 public:
  RingsLink(const Options& options, std::pmr::memory_resource& shared)
      : wait_(options.wait.value_or(Wait::kAdaptive)) {
    std::pmr::polymorphic_allocator<> all(&shared);
    ways_ = {all.new_object<Way>(options, options.most_request_bytes(), shared),
             all.new_object<Way>(options, options.most_reply_bytes(), shared)};
  }

  /// About how many bytes that takes.
  static std::size_t shared_bytes(const Options& options) {
    constexpr std::size_t kOfAMessage = 512;  // in rings
    const std::size_t buffers = options.has_stock()
                                    ? Stock::stride(options.most_request_bytes() + kPadding) +
                                          Stock::stride(options.most_reply_bytes() + kPadding)
                                    : 0;
    return options.messages() * (buffers + kOfAMessage);
  }

  class Out {
   public:
    Out(RingsLink& all, Side side, const std::atomic<bool>& gone)
        : way_(all.from(side)),
          gone_(gone),
          frames_(way_.frames.producer()),
          pool_(std::visit(
              [](auto& pool) {
                using Taker = typename std::remove_reference_t<decltype(pool)>::Taker;
                return AnyTaker(std::in_place_type<Taker>, pool);
              },
              way_.pool)) {}

    char* begin(std::size_t /*connection*/) {
      if (frames_.full()) {
        return none();
      }
      if (spare_ != nullptr) {
        return std::exchange(spare_, nullptr);
      }
      const Taken taken = std::visit([](auto& pool) { return pool.take(); }, pool_);
      if (taken.buffer == nullptr) {
        return none();
      }
      ++tally_.buffers;
      ++(taken.came_back ? tally_.hits : tally_.most_out);
      return taken.buffer;
    }

    void give_back(char* buffer) noexcept { spare_ = buffer; }

    void send(char* buffer, std::size_t bytes) {
      // There is room, which begin() has seen to.
      static_cast<void>(frames_.try_push(Frame{.text = buffer,
                                               .bytes = static_cast<std::uint32_t>(bytes),
                                               .cpu = platform::this_cpu(),
                                               .connection = 0}));
    }

    bool flush() noexcept {
      way_.bell.ring();
      return true;
    }

    void wait(platform::Nanoseconds /*limit_ns*/) noexcept { platform::let_others_run(); }

    Tally tally() const noexcept {
      Tally tally = tally_;
      tally.system_calls = way_.bell.rung();
      return tally;
    }

   private:
    char* none() const {
      if (gone_.load(std::memory_order_relaxed)) {
        throw PeerGone("the other side is gone");
      }
      return nullptr;
    }

    Way& way_;
    const std::atomic<bool>& gone_;
    Ring::Producer frames_;
    AnyTaker pool_;
    char* spare_{nullptr};
    Tally tally_;
  };

  class In {
   public:
    In(RingsLink& all, Side side, const std::atomic<bool>& gone)
        : way_(all.to(side)),
          gone_(gone),
          frames_(way_.frames.consumer()),
          pool_(std::visit(
              [](auto& pool) {
                using Giver = typename std::remove_reference_t<decltype(pool)>::Giver;
                return AnyGiver(std::in_place_type<Giver>, pool);
              },
              way_.pool)),
          waiter_(all.wait_) {}

    Frame try_receive() {
      Frame frame;
      static_cast<void>(frames_.try_pop(frame));
      return frame;
    }

    Frame receive(platform::Nanoseconds limit_ns) {
      platform::Nanoseconds until_ns = 0;
      unsigned turns = 0;
      Frame frame;
      while (!frames_.try_pop(frame)) {
        // Acquire: what it sent before is there, and is looked for once more.
        if (gone_.load(std::memory_order_acquire)) {
          if (frames_.try_pop(frame)) {
            break;
          }
          throw PeerGone("the other side is gone");
        }
        if (++turns % kTurnsALook == 0) {
          const platform::Nanoseconds now_ns = platform::now_ns();
          until_ns = until_ns == 0 ? now_ns + limit_ns : until_ns;
          if (now_ns >= until_ns) {
            break;
          }
        }
        waiter_.pause(near_, [&] {
          // Relaxed: the flag carries nothing with it.
          static_cast<void>(way_.bell.sleep(
              [&] { return !frames_.empty() || gone_.load(std::memory_order_relaxed); }, limit_ns));
          turns = kTurnsALook - 1;
          until_ns = until_ns == 0 ? 1 : until_ns;
        });
      }
      waiter_.reset();
      near_ = frame.cpu == platform::this_cpu();
      return frame;
    }

    void release(const Frame& frame) {
      std::visit([&](auto& pool) { pool.give(frame.text); }, pool_);
    }

    Tally tally() const noexcept {
      return {.system_calls = waiter_.times_parked() + waiter_.yields()};
    }

   private:
    static constexpr unsigned kTurnsALook = 64;

    Way& way_;
    const std::atomic<bool>& gone_;
    Ring::Consumer frames_;
    AnyGiver pool_;
    threads::Waiter waiter_;
    bool near_{false};
  };

  /// Rings are there for as long as the link is, and no other server can come to them.
  static constexpr std::size_t connections() noexcept { return 1; }
  static bool open(Side /*side*/) noexcept { return true; }
  void keep(Side /*side*/) noexcept {}
  void shut(Side /*side*/) noexcept {}
  void rouse() noexcept {
    for (Way* way : ways_) {
      way->bell.ring();
    }
  }

 private:
  static AnyPool make_pool(const Options& options, std::size_t most_bytes,
                           std::pmr::memory_resource& shared) {
    const auto make = [&]<class Pool>(std::in_place_type_t<Pool> which) {
      return AnyPool(which, options.messages(), most_bytes + kPadding, shared);
    };
    switch (options.pool) {
      case Pool::kReturnRing:
        break;
      case Pool::kSharedStack:
        return make(std::in_place_type<StackPool>);
      case Pool::kMalloc:
        return make(std::in_place_type<MallocPool>);
      case Pool::kMimalloc:
#if PIPELAB_MIMALLOC
        return make(std::in_place_type<MimallocPool>);
#else
        throw std::logic_error("there is no such pool");
#endif
    }
    return make(std::in_place_type<RingPool>);
  }

  Way& from(Side side) noexcept { return *ways_.at(static_cast<std::size_t>(side)); }
  Way& to(Side side) noexcept { return *ways_.at(side == Side::kClient ? 1 : 0); }

  Wait wait_;
  std::array<Way*, 2> ways_{};
};

}  // namespace pipelab::rpc
