#include "platform/streams.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <csignal>
#include <stdexcept>

#include "platform/listener.hpp"
#include "platform/system_call.hpp"

namespace pipelab::platform {

void StreamEnd::close() noexcept {
  if (to != from && to >= 0) {
    ::close(to);
  }
  if (from >= 0) {
    ::close(from);
  }
  from = to = -1;
}

std::array<StreamEnd, 2> stream_pair(StreamKind kind) {
  std::array<int, 2> ends{};
  if (kind == StreamKind::kPipes) {
    std::array<int, 2> back{};
    checked(pipe2(ends.data(), O_CLOEXEC), "make a pipe");
    checked(pipe2(back.data(), O_CLOEXEC), "make a pipe");
    return {{{.from = back[0], .to = ends[1]}, {.from = ends[0], .to = back[1]}}};
  }
  if (kind == StreamKind::kTcp) {
    const Listener listener(kind, 1);
    ends = {listener.connect(), listener.accept()};
  } else {
    checked(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()), "make a socket");
  }
  return {{{.from = ends[0], .to = ends[0]}, {.from = ends[1], .to = ends[1]}}};
}

void allow_files(std::size_t files) {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  if (limit.rlim_cur < files) {
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
  }
  if (limit.rlim_cur < files) {
    throw std::runtime_error(
        fmt::format("this needs {} files open, and a process may have {}: give fewer clients or "
                    "connections, or raise "
                    "that (ulimit -Hn)",
                    files, limit.rlim_cur));
  }
}

void block_pipe_signal() noexcept {
  sigset_t signals{};
  sigaddset(&signals, SIGPIPE);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
}

}  // namespace pipelab::platform
