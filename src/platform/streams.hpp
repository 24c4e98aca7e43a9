#pragma once

#include <array>
#include <cstddef>

namespace pipelab::platform {

/// What two sides send each other bytes over.
enum class StreamKind { kPipes, kUnix, kTcp };

/// One side of it: the files that it reads from and writes to, which may be one.
struct StreamEnd {
  int from{-1};
  int to{-1};

  /// Closes both, once.
  void close() noexcept;
};

/// Both sides of a pipe each way, of a pair of Unix sockets, or of a TCP connection over the
/// loopback device. Throws std::system_error where the kernel refuses.
std::array<StreamEnd, 2> stream_pair(StreamKind kind);

/// Lets this process have so many files open. Throws std::runtime_error where it may not.
void allow_files(std::size_t files);

/// Blocks SIGPIPE for this thread: write(2) says it, too.
void block_pipe_signal() noexcept;

}  // namespace pipelab::platform
