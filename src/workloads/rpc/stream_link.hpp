#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory_resource>
#include <vector>

#include "platform/clock.hpp"
#include "platform/streams.hpp"
#include "workloads/rpc/link.hpp"
#include "workloads/rpc/options.hpp"

namespace pipelab::rpc {

/// Joins them by what the kernel has for that: two pipes, a pair of Unix sockets, or a TCP
/// connection over the loopback device. A message's length in four bytes comes before it. What is
/// sent is collected until it is flushed, and what is read is as much as there is; messages are
/// read where they came to lie. The client's files do not block, so that it can read while it waits
/// to write.
class StreamLink {
 public:
  StreamLink(const Options& options, std::pmr::memory_resource& shared);
  StreamLink(const StreamLink&) = delete;
  StreamLink& operator=(const StreamLink&) = delete;
  StreamLink(StreamLink&&) = delete;
  StreamLink& operator=(StreamLink&&) = delete;
  ~StreamLink();

  static std::size_t shared_bytes(const Options& /*options*/) { return 0; }

  class Out {
   public:
    Out(StreamLink& all, Side side, const std::atomic<bool>& gone);

    char* begin();
    void give_back(const char* /*buffer*/) noexcept { is_begun_ = false; }
    void send(const char* buffer, std::size_t bytes);
    bool flush();
    void wait(platform::Nanoseconds limit_ns);
    Tally tally() const noexcept { return {.system_calls = system_calls_}; }

   private:
    int file_;
    std::size_t most_bytes_;
    std::vector<char> memory_;
    std::size_t begin_{0};  // of what is still to be written
    std::size_t end_{0};
    bool is_begun_{false};  // a message, which stays where it is
    std::uint64_t system_calls_{0};
  };

  class In {
   public:
    In(StreamLink& all, Side side, const std::atomic<bool>& gone);

    Frame try_receive();
    Frame receive(platform::Nanoseconds limit_ns);
    void release(const Frame& /*frame*/) noexcept {}
    Tally tally() const noexcept { return {.system_calls = system_calls_}; }

   private:
    bool read_some();

    int file_;
    bool blocks_;
    std::size_t most_bytes_;
    std::vector<char> memory_;
    std::size_t begin_{0};  // of what was read and not given out
    std::size_t end_{0};
    std::uint64_t system_calls_{0};
  };

  void keep(Side side) noexcept;
  void shut(Side side) noexcept;
  void rouse() noexcept {}

 private:
  static constexpr std::size_t kLengthBytes = sizeof(std::uint32_t);

  platform::StreamEnd& end(Side side) noexcept { return ends_.at(static_cast<std::size_t>(side)); }

  /// How long what `side` sends can be.
  std::size_t most_from(Side side) const noexcept {
    return side == Side::kClient ? most_request_bytes_ : most_reply_bytes_;
  }

  std::size_t most_request_bytes_;
  std::size_t most_reply_bytes_;
  std::array<platform::StreamEnd, 2> ends_;
};

}  // namespace pipelab::rpc
