#pragma once

#include <sys/epoll.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory_resource>
#include <span>
#include <vector>

#include "platform/clock.hpp"
#include "platform/cpu.hpp"
#include "platform/listener.hpp"
#include "workloads/feed/options.hpp"
#include "workloads/feed/wire.hpp"

namespace pipelab::feed {

/// Files, and one epoll(7) that watches them.
class Watch {
 public:
  Watch();
  Watch(const Watch&) = delete;
  Watch& operator=(const Watch&) = delete;
  Watch(Watch&&) = delete;
  Watch& operator=(Watch&&) = delete;
  ~Watch();

  /// Adds a file, or changes what is told of it; `key` comes back with each event.
  void add(int file, std::uint32_t events, std::uint64_t key, bool is_known = false) const;
  void remove(int file) const noexcept;

  /// Waits for events, and gives them out.
  std::span<const epoll_event> wait(platform::Nanoseconds limit_ns);

  std::uint64_t system_calls() const noexcept { return system_calls_; }

 private:
  int file_;
  std::array<epoll_event, 128> events_{};
  std::uint64_t system_calls_{0};
};

/// A wire of Unix or TCP sockets. A client that connects says its number first.
class Sockets {
 public:
  Sockets(const Options& options, std::pmr::memory_resource& /*shared*/);

  static std::size_t shared_bytes(const Options& /*options*/) { return 0; }

  void shut() noexcept { listener_.shut(); }

  class Server {
   public:
    explicit Server(Sockets& all);
    Server(const Server&) = delete;
    Server& operator=(const Server&) = delete;
    Server(Server&&) = delete;
    Server& operator=(Server&&) = delete;
    ~Server();

    template <class Use>
    void poll(platform::Nanoseconds limit_ns, Use& use) {
      for (const epoll_event& event : watch_.wait(limit_ns)) {
        const auto file = static_cast<int>(event.data.u64 >> 32U);
        const auto client = static_cast<std::uint32_t>(event.data.u64);
        if (client == kListener) {
          accept();
        } else if (client == kStranger) {
          if (const std::size_t known = greet(file); known < files_.size()) {
            use.joined(known);
          }
        } else if (files_[client] == file) {  // or it was closed since
          if ((event.events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0) {
            close(client);
            use.left(client);
          } else {
            use.writable(client);
          }
        }
      }
    }

    std::ptrdiff_t write(std::size_t client, std::span<const std::byte> bytes);
    void flush() noexcept {}
    void close(std::size_t client) noexcept;
    std::uint64_t system_calls() const noexcept { return system_calls_ + watch_.system_calls(); }

   private:
    // In place of a client's number, in keys of events.
    static constexpr std::uint32_t kListener = UINT32_MAX;
    static constexpr std::uint32_t kStranger = UINT32_MAX - 1;

    static std::uint64_t key(int file, std::uint32_t client) noexcept {
      return static_cast<std::uint64_t>(file) << 32U | client;
    }

    void accept();
    /// Reads who it is; returns no client's number where it does not say.
    std::size_t greet(int file);

    Sockets& all_;
    Watch watch_;
    std::vector<int> files_;      // by client; -1: not connected
    std::vector<int> strangers_;  // who have not said yet who they are
    std::uint64_t system_calls_{0};
  };

  class Clients {
   public:
    Clients(Sockets& all, std::size_t loop);
    Clients(const Clients&) = delete;
    Clients& operator=(const Clients&) = delete;
    Clients(Clients&&) = delete;
    Clients& operator=(Clients&&) = delete;
    ~Clients();

    bool connect(std::size_t client);
    std::ptrdiff_t read(std::size_t client, std::span<std::byte> bytes);
    bool reads_all() const noexcept { return io_ == Io::kEpollEdge; }

    template <class Ready>
    void wait(platform::Nanoseconds limit_ns, Ready ready) {
      if (io_ == Io::kSpin) {
        for (std::size_t client = loop_; client < files_.size(); client += all_.loops_) {
          if (files_[client] >= 0 && !is_paused_[client]) {
            ready(client);
          }
        }
        platform::spin_hint();
        return;
      }
      for (const epoll_event& event : watch_.wait(limit_ns)) {
        ready(static_cast<std::size_t>(event.data.u64));
      }
    }

    void pause(std::size_t client);
    void resume(std::size_t client);
    void close(std::size_t client) noexcept;
    std::uint64_t system_calls() const noexcept { return system_calls_ + watch_.system_calls(); }

   private:
    void watch(std::size_t client);

    Sockets& all_;
    Io io_;
    std::size_t loop_;
    Watch watch_;
    std::vector<int> files_;  // by client; -1: not connected, or another loop's
    std::vector<bool> is_paused_;
    std::uint64_t system_calls_{0};
  };

 private:
  platform::Listener listener_;
  std::size_t clients_;
  std::size_t loops_;
  Io io_;
};

}  // namespace pipelab::feed
