#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory_resource>
#include <vector>

#include "platform/streams.hpp"
#include "workloads/exchange/connection.hpp"
#include "workloads/exchange/options.hpp"
#include "workloads/exchange/word.hpp"

namespace pipelab::exchange {

/// Joins them by what the kernel has for that: two pipes, a pair of Unix sockets, or a TCP
/// connection over the loopback device. Its bytes are a word and a payload, turn by turn.
class StreamConnection {
 public:
  StreamConnection(const Options& options, std::pmr::memory_resource& shared);
  StreamConnection(const StreamConnection&) = delete;
  StreamConnection& operator=(const StreamConnection&) = delete;
  StreamConnection(StreamConnection&&) = delete;
  StreamConnection& operator=(StreamConnection&&) = delete;
  ~StreamConnection();

  class End {
   public:
    End(StreamConnection& all, Side side, const std::atomic<bool>& gone);

    void begin() noexcept {}
    void end() noexcept {}

    template <class Use>
    void write(Kind /*kind*/, Use use) noexcept {
      for (std::size_t at = 1; at < out_.size(); ++at) {
        out_[at] = use(at - 1);
      }
    }

    template <class Use>
    void read(Kind /*kind*/, Use use) noexcept {
      for (std::size_t at = 1; at < in_.size(); ++at) {
        use(at - 1, in_[at]);
      }
    }

    void say(Kind kind);
    Kind listen();

    Tally tally() const noexcept { return {.system_calls = system_calls_}; }

   private:
    int from_;
    int to_;
    std::vector<std::uint64_t> out_;
    std::vector<std::uint64_t> in_;
    std::uint64_t turn_{0};
    std::uint64_t system_calls_{0};
  };

  /// Closes the other end here, so that its holder's death can be seen.
  void keep(Side side) noexcept;

  void rouse(Side /*side*/) noexcept {}

 private:
  platform::StreamEnd& files(Side side) noexcept {
    return files_.at(static_cast<std::size_t>(side));
  }

  std::size_t words_;
  std::array<platform::StreamEnd, 2> files_;
};

}  // namespace pipelab::exchange
