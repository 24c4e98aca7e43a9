#include "workloads/exchange/stream_connection.hpp"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <span>
#include <system_error>

#include "platform/sockets.hpp"
#include "platform/system_call.hpp"

namespace pipelab::exchange {
namespace {

using platform::checked;

/// Reads or writes all of `bytes`; returns in how many calls.
template <class Transfer>
std::uint64_t transfer_all(Transfer transfer, std::span<std::byte> bytes) {
  std::uint64_t calls = 0;
  while (!bytes.empty()) {
    ++calls;
    const ssize_t done = transfer(bytes);
    if (done > 0) {
      bytes = bytes.subspan(static_cast<std::size_t>(done));
    } else if (done == 0 || errno == ECONNRESET || errno == EPIPE) {
      throw CallFailed(CallFailed::Why::kDied, "the other side has closed the connection");
    } else if (errno != EINTR) {
      throw std::system_error(errno, std::generic_category(), "exchange over a file");
    }
  }
  return calls;
}

}  // namespace

StreamConnection::StreamConnection(const Options& options, std::pmr::memory_resource& /*shared*/)
    : words_(options.payload_words()) {
  Files& caller = files(Side::kCaller);
  Files& responder = files(Side::kResponder);
  if (options.transport == Transport::kPipe) {
    std::array<int, 2> ends{};
    checked(pipe2(ends.data(), O_CLOEXEC), "make a pipe");
    responder.from = ends[0];
    caller.to = ends[1];
    checked(pipe2(ends.data(), O_CLOEXEC), "make a pipe");
    caller.from = ends[0];
    responder.to = ends[1];
    return;
  }
  std::array<int, 2> ends{};
  if (options.transport == Transport::kTcp) {
    ends = platform::tcp_pair();
  } else {
    checked(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()), "make a socket");
  }
  caller = {.from = ends[0], .to = ends[0]};
  responder = {.from = ends[1], .to = ends[1]};
}

StreamConnection::~StreamConnection() {
  files(Side::kCaller).close();
  files(Side::kResponder).close();
}

void StreamConnection::keep(Side side) noexcept { files(other(side)).close(); }

void StreamConnection::Files::close() noexcept {
  if (to != from && to >= 0) {
    ::close(to);
  }
  if (from >= 0) {
    ::close(from);
  }
  from = to = -1;
}

StreamConnection::End::End(StreamConnection& all, Side side, const std::atomic<bool>& /*gone*/)
    : from_(all.files(side).from),
      to_(all.files(side).to),
      out_(all.words_ + 1),
      in_(all.words_ + 1) {
  sigset_t signals{};
  sigaddset(&signals, SIGPIPE);  // write(2) says it, too
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
}

void StreamConnection::End::say(Kind kind) {
  out_.front() = Word(++turn_, kind, out_.size() - 1).bits();
  system_calls_ += transfer_all(
      [this](std::span<std::byte> bytes) { return ::write(to_, bytes.data(), bytes.size()); },
      std::as_writable_bytes(std::span(out_)));
}

Kind StreamConnection::End::listen() {
  system_calls_ += transfer_all(
      [this](std::span<std::byte> bytes) { return ::read(from_, bytes.data(), bytes.size()); },
      std::as_writable_bytes(std::span(in_)));
  const Word word(in_.front());
  word.check(turn_++, in_.size() - 1);
  return word.kind();
}

}  // namespace pipelab::exchange
