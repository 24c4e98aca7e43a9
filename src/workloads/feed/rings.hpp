#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <deque>
#include <memory_resource>
#include <span>
#include <vector>

#include "platform/clock.hpp"
#include "platform/cpu.hpp"
#include "threads/bells.hpp"
#include "threads/waiter.hpp"
#include "workloads/feed/options.hpp"
#include "workloads/feed/wire.hpp"

namespace pipelab::feed {

/// Bytes from one thread to another, in memory that both have.
class ByteRing {
 public:
  static constexpr std::size_t kBytes = 65'536;  ///< that it holds: a power of two

  explicit ByteRing(std::pmr::memory_resource& shared) : bytes_(kBytes, &shared) {}

  /// What the writer asks and does. Acquire: what was read is read. Release: the bytes are there.
  std::size_t room() const noexcept {
    return kBytes - static_cast<std::size_t>(written_.load(std::memory_order_relaxed) -
                                             read_.load(std::memory_order_acquire));
  }
  std::size_t write(std::span<const std::byte> from) noexcept {
    const std::uint64_t at = written_.load(std::memory_order_relaxed);
    const std::size_t many = std::min(room(), from.size());
    const std::size_t first = std::min(many, kBytes - place(at));
    std::memcpy(&bytes_[place(at)], from.data(), first);
    std::memcpy(bytes_.data(), from.data() + first, many - first);
    written_.store(at + many, std::memory_order_release);
    return many;
  }

  /// What the reader does, likewise.
  bool empty() const noexcept {
    return written_.load(std::memory_order_acquire) == read_.load(std::memory_order_relaxed);
  }
  std::size_t read(std::span<std::byte> to) noexcept {
    const std::uint64_t at = read_.load(std::memory_order_relaxed);
    const auto there = static_cast<std::size_t>(written_.load(std::memory_order_acquire) - at);
    const std::size_t many = std::min(there, to.size());
    const std::size_t first = std::min(many, kBytes - place(at));
    std::memcpy(to.data(), &bytes_[place(at)], first);
    std::memcpy(to.data() + first, bytes_.data(), many - first);
    read_.store(at + many, std::memory_order_release);
    return many;
  }

 private:
  static std::size_t place(std::uint64_t at) noexcept {
    return static_cast<std::size_t>(at & (kBytes - 1));
  }

  alignas(platform::kDestructiveInterference) std::atomic<std::uint64_t> written_{0};
  alignas(platform::kDestructiveInterference) std::atomic<std::uint64_t> read_{0};
  alignas(platform::kDestructiveInterference) std::pmr::vector<std::byte> bytes_;
};

/// A wire of a ring each, with a bell a loop of clients, and one for a server that waits for room.
class Rings {
 public:
  Rings(const Options& options, std::pmr::memory_resource& shared)
      : wait_(options.wait.value_or(Wait::kAdaptive)), room_(shared) {
    std::pmr::polymorphic_allocator<> all(&shared);
    for (std::size_t client = 0; client < options.clients; ++client) {
      rings_.push_back(all.new_object<ByteRing>(shared));
    }
    for (std::size_t loop = 0; loop < options.client_loops; ++loop) {
      bells_.emplace_back(shared);
    }
  }

  static std::size_t shared_bytes(const Options& options) {
    return options.clients * (ByteRing::kBytes + sizeof(ByteRing) + 512) +
           (options.client_loops + 1) * 512;
  }

  /// Wakes all that wait.
  void shut() noexcept {
    for (threads::ElidedBell& bell : bells_) {
      bell.ring();
    }
    room_.ring();
  }

  class Server {
   public:
    explicit Server(Rings& all)
        : all_(all), is_full_(all.rings_.size()), is_written_(all.bells_.size()) {}

    template <class Use>
    void poll(platform::Nanoseconds limit_ns, Use& use) {
      for (; joined_ < all_.rings_.size(); ++joined_) {
        use.joined(joined_);
      }
      if (limit_ns > 0 && !any_room()) {
        ++sleeps_;
        static_cast<void>(all_.room_.sleep([this] { return any_room(); }, limit_ns));
      }
      for (std::size_t client = 0; full_ > 0 && client < is_full_.size(); ++client) {
        if (is_full_[client] && has_room(client)) {
          is_full_[client] = false;
          --full_;
          use.writable(client);
        }
      }
    }

    std::ptrdiff_t write(std::size_t client, std::span<const std::byte> bytes) {
      const std::size_t done = all_.rings_[client]->write(bytes);
      if (done < bytes.size() && !is_full_[client]) {
        is_full_[client] = true;
        ++full_;
      }
      is_written_[client % is_written_.size()] = true;
      return static_cast<std::ptrdiff_t>(done);
    }

    void flush() {
      for (std::size_t loop = 0; loop < is_written_.size(); ++loop) {
        if (is_written_[loop]) {
          all_.bells_[loop].ring();
          is_written_[loop] = false;
        }
      }
    }

    void close(std::size_t /*client*/) noexcept {}

    std::uint64_t system_calls() const noexcept {
      std::uint64_t calls = sleeps_;
      for (const threads::ElidedBell& bell : all_.bells_) {
        calls += bell.rung();
      }
      return calls;
    }

   private:
    bool has_room(std::size_t client) const noexcept {
      return all_.rings_[client]->room() >= ByteRing::kBytes / 4;
    }
    bool any_room() const noexcept {
      for (std::size_t client = 0; full_ > 0 && client < is_full_.size(); ++client) {
        if (is_full_[client] && has_room(client)) {
          return true;
        }
      }
      return false;
    }

    Rings& all_;
    std::vector<bool> is_full_;  // by client: more was to be written
    std::size_t full_{0};
    std::vector<bool> is_written_;  // by loop, since the last flush
    std::size_t joined_{0};
    std::uint64_t sleeps_{0};
  };

  class Clients {
   public:
    Clients(Rings& all, std::size_t loop)
        : all_(all), loop_(loop), is_paused_(all.rings_.size()), waiter_(all.wait_) {}

    static bool connect(std::size_t /*client*/) noexcept { return true; }

    std::ptrdiff_t read(std::size_t client, std::span<std::byte> bytes) {
      const std::size_t done = all_.rings_[client]->read(bytes);
      if (done > 0) {
        all_.room_.ring();
      }
      return static_cast<std::ptrdiff_t>(done);
    }

    static bool reads_all() noexcept { return true; }

    template <class Ready>
    void wait(platform::Nanoseconds limit_ns, Ready ready) {
      bool any = false;
      each([&](std::size_t client) {
        any = true;
        ready(client);
      });
      if (any) {
        waiter_.reset();
        return;
      }
      waiter_.pause(false, [&] {
        static_cast<void>(all_.bells_[loop_].sleep(
            [this] {
              bool is_there = false;
              each([&](std::size_t /*client*/) { is_there = true; });
              return is_there;
            },
            limit_ns));
      });
    }

    void pause(std::size_t client) { is_paused_[client] = true; }
    void resume(std::size_t client) { is_paused_[client] = false; }
    void close(std::size_t /*client*/) noexcept {}

    std::uint64_t system_calls() const noexcept {
      return waiter_.times_parked() + waiter_.yields() + all_.room_.rung();
    }

   private:
    /// Calls `use` for each of its clients that has something to read.
    template <class Use>
    void each(Use use) {
      for (std::size_t client = loop_; client < all_.rings_.size(); client += all_.bells_.size()) {
        if (!is_paused_[client] && !all_.rings_[client]->empty()) {
          use(client);
        }
      }
    }

    Rings& all_;
    std::size_t loop_;
    std::vector<bool> is_paused_;
    threads::Waiter waiter_;
  };

 private:
  Wait wait_;
  threads::ElidedBell room_;
  std::vector<ByteRing*> rings_;
  std::deque<threads::ElidedBell> bells_;
};

}  // namespace pipelab::feed
