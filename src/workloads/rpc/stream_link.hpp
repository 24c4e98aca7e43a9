#pragma once

#include <sys/epoll.h>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory_resource>
#include <optional>
#include <vector>

#include "platform/clock.hpp"
#include "platform/listener.hpp"
#include "platform/streams.hpp"
#include "workloads/rpc/link.hpp"
#include "workloads/rpc/options.hpp"

namespace pipelab::rpc {

/// Joins them by what the kernel has for that, one connection or many: two pipes, a Unix socket, or
/// TCP over the loopback device. A message's length in four bytes comes before it. What is sent is
/// collected until it is flushed, and what is read is as much as there is; messages are read where
/// they came to lie. The client's files do not block, so that it can read while it waits to write.
class StreamLink {
 public:
  StreamLink(const Options& options, std::pmr::memory_resource& shared);
  StreamLink(const StreamLink&) = delete;
  StreamLink& operator=(const StreamLink&) = delete;
  StreamLink(StreamLink&&) = delete;
  StreamLink& operator=(StreamLink&&) = delete;
  ~StreamLink();

  static std::size_t shared_bytes(const Options& /*options*/) { return 0; }

  /// What both sides allocate for each connection.
  static std::size_t bytes_a_connection(const Options& options);

  class Out {
   public:
    Out(StreamLink& all, Side side, const std::atomic<bool>& gone);

    char* begin(std::size_t connection);
    void give_back(const char* /*buffer*/) noexcept { begun_ = kNone; }
    void send(const char* buffer, std::size_t bytes);
    bool flush();
    void wait(platform::Nanoseconds limit_ns);
    /// Forgets what was not sent, and goes on with the files that there are now.
    void renew();
    Tally tally() const noexcept { return {.system_calls = system_calls_}; }

   private:
    static constexpr std::size_t kNone = SIZE_MAX;

    struct Stream {
      std::vector<char> memory;
      std::size_t begin{0};  // of what is still to be written
      std::size_t end{0};
      bool waits{false};  // for a flush
    };

    bool flush(std::size_t connection);

    StreamLink& all_;
    Side side_;
    std::vector<Stream> streams_;
    std::vector<std::size_t> waiting_;  // those that have something to be written
    std::size_t begun_{kNone};          // which has a message that is begun, and stays where it is
    std::uint64_t system_calls_{0};
  };

  class In {
   public:
    In(StreamLink& all, Side side, const std::atomic<bool>& gone);
    In(const In&) = delete;
    In& operator=(const In&) = delete;
    In(In&&) = delete;
    In& operator=(In&&) = delete;
    ~In();

    Frame try_receive();
    Frame receive(platform::Nanoseconds limit_ns);
    void release(const Frame& /*frame*/) noexcept {}
    /// Forgets what was not read, and goes on with the files that there are now.
    void renew();
    Tally tally() const noexcept { return {.system_calls = system_calls_}; }

   private:
    struct Stream {
      std::vector<char> memory;
      std::size_t begin{0};  // of what was read and not given out
      std::size_t end{0};
    };

    void watch();
    bool wait(platform::Nanoseconds limit_ns);
    bool read_some(std::size_t connection);
    Frame frame_of(std::size_t connection);

    StreamLink& all_;
    Side side_;
    std::vector<Stream> streams_;
    int epoll_{-1};                         // of many
    std::array<epoll_event, 64> events_{};  // the last that it told of
    std::size_t read_{1};                   // how many of these there are
    std::size_t at_{0};                     // which is being given out
    std::uint64_t system_calls_{0};
  };

  /// Opens a side's files: the client connects, the server accepts. False where nobody connects any
  /// more.
  bool open(Side side);
  /// The client's, once more, where the server is another.
  void reopen();
  std::size_t connections() const noexcept { return connections_; }

  void keep(Side side) noexcept;
  void shut(Side side) noexcept;
  void rouse() noexcept;

 private:
  static constexpr std::size_t kLengthBytes = sizeof(std::uint32_t);

  std::vector<platform::StreamEnd>& ends(Side side) noexcept {
    return ends_.at(static_cast<std::size_t>(side));
  }
  void close(Side side) noexcept;

  /// How much memory each connection has for what `side` sends.
  std::size_t memory_bytes(Side side) const noexcept;

  /// How long what `side` sends can be.
  std::size_t most_from(Side side) const noexcept {
    return side == Side::kClient ? most_request_bytes_ : most_reply_bytes_;
  }

  std::size_t connections_;
  std::size_t most_request_bytes_;
  std::size_t most_reply_bytes_;
  std::optional<platform::Listener> listener_;
  std::array<std::vector<platform::StreamEnd>, 2> ends_;
};

}  // namespace pipelab::rpc
