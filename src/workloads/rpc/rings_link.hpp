#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <memory_resource>
#include <new>
#include <utility>

#include "platform/clock.hpp"
#include "platform/cpu.hpp"
#include "queue/spsc_ring.hpp"
#include "threads/bells.hpp"
#include "threads/waiter.hpp"
#include "workloads/rpc/link.hpp"
#include "workloads/rpc/options.hpp"

namespace pipelab::rpc {

/// Joins them by memory that both have: messages are written into buffers, which a ring hands over,
/// and read where they are. The sender's buffers come back over another ring, so that what one
/// thread takes and another gives back needs no lock; or each comes from malloc, and is freed by
/// who has read it.
class RingsLink {
  template <class T>
  using Ring = queue::SpscRing<T, queue::Eager, std::pmr::polymorphic_allocator<T>>;

  /// What goes one way.
  struct Way {
    Way(std::size_t messages, std::size_t most_bytes, bool stocked,
        std::pmr::memory_resource& shared)
        : buffer_bytes(stride(most_bytes)),
          frames(messages, 1, &shared),
          returned(messages, 1, &shared),
          bell(shared) {
      if (stocked) {
        stock = static_cast<char*>(
            shared.allocate(messages * buffer_bytes, platform::kDestructiveInterference));
      }
    }

    std::size_t buffer_bytes;
    Ring<Frame> frames;
    Ring<char*> returned;
    threads::ElidedBell bell;  // at which who takes the frames sleeps
    char* stock{nullptr};      // none: buffers are malloc's
  };

 public:
  RingsLink(const Options& options, std::pmr::memory_resource& shared)
      : wait_(options.wait.value_or(Wait::kAdaptive)), messages_(options.messages()) {
    const bool stocked = options.pool == Pool::kReturnRing;
    std::pmr::polymorphic_allocator<> all(&shared);
    ways_ = {all.new_object<Way>(messages_, options.most_request_bytes(), stocked, shared),
             all.new_object<Way>(messages_, options.most_reply_bytes(), stocked, shared)};
  }

  /// About how many bytes that takes.
  static std::size_t shared_bytes(const Options& options) {
    constexpr std::size_t kOfAMessage = 512;  // in rings
    const std::size_t buffers =
        options.pool == Pool::kReturnRing
            ? stride(options.most_request_bytes()) + stride(options.most_reply_bytes())
            : 0;
    return options.messages() * (buffers + kOfAMessage);
  }

  class Out {
   public:
    Out(RingsLink& all, Side side, const std::atomic<bool>& gone)
        : way_(all.from(side)),
          gone_(gone),
          frames_(way_.frames.producer()),
          returned_(way_.returned.consumer()),
          left_(all.messages_) {}

    char* begin() {
      if (frames_.full()) {
        return none();
      }
      char* buffer = std::exchange(spare_, nullptr);
      if (buffer != nullptr) {
        return buffer;
      }
      if (way_.stock == nullptr) {
        // What the part under test does.
        buffer = static_cast<char*>(std::malloc(way_.buffer_bytes));  // NOLINT(*-no-malloc)
        if (buffer == nullptr) {
          throw std::bad_alloc();
        }
      } else if (returned_.try_pop(buffer)) {
        ++tally_.hits;
      } else if (left_ > 0) {
        buffer = way_.stock + --left_ * way_.buffer_bytes;
        ++tally_.most_out;
      } else {
        return none();
      }
      ++tally_.buffers;
      return buffer;
    }

    void give_back(char* buffer) noexcept { spare_ = buffer; }

    void send(char* buffer, std::size_t bytes) {
      // There is room, which begin() has seen to.
      static_cast<void>(frames_.try_push(Frame{.text = buffer,
                                               .bytes = static_cast<std::uint32_t>(bytes),
                                               .cpu = platform::this_cpu()}));
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
    Ring<Frame>::Producer frames_;
    Ring<char*>::Consumer returned_;
    std::size_t left_;  // of the stock, never out yet
    char* spare_{nullptr};
    Tally tally_;
  };

  class In {
   public:
    In(RingsLink& all, Side side, const std::atomic<bool>& gone)
        : way_(all.to(side)),
          gone_(gone),
          frames_(way_.frames.consumer()),
          returned_(way_.returned.producer()),
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

    void release(const Frame& frame) noexcept {
      if (way_.stock == nullptr) {
        std::free(frame.text);  // NOLINT(*-no-malloc)
      } else {
        // There is room for all that there are.
        static_cast<void>(returned_.try_push(frame.text));
      }
    }

    Tally tally() const noexcept {
      return {.system_calls = waiter_.times_parked() + waiter_.yields()};
    }

   private:
    static constexpr unsigned kTurnsALook = 64;

    Way& way_;
    const std::atomic<bool>& gone_;
    Ring<Frame>::Consumer frames_;
    Ring<char*>::Producer returned_;
    threads::Waiter waiter_;
    bool near_{false};
  };

  void keep(Side /*side*/) noexcept {}
  void shut(Side /*side*/) noexcept {}
  void rouse() noexcept {
    for (Way* way : ways_) {
      way->bell.ring();
    }
  }

 private:
  static std::size_t stride(std::size_t bytes) noexcept {
    constexpr std::size_t kWhole = platform::kDestructiveInterference;
    return (bytes + kPadding + kWhole - 1) / kWhole * kWhole;
  }

  Way& from(Side side) noexcept { return *ways_.at(static_cast<std::size_t>(side)); }
  Way& to(Side side) noexcept { return *ways_.at(side == Side::kClient ? 1 : 0); }

  Wait wait_;
  std::size_t messages_;
  std::array<Way*, 2> ways_{};
};

}  // namespace pipelab::rpc
