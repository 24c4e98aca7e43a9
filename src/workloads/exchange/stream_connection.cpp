#include "workloads/exchange/stream_connection.hpp"

#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <span>
#include <string_view>
#include <system_error>

#include "platform/system_call.hpp"

namespace pipelab::exchange {
namespace {

using platform::checked;

/// Sees to it that there is a loopback device, which a bare guest has not started.
void start_loopback(int socket) {
  ifreq request{};
  std::ranges::copy(std::string_view("lo"), request.ifr_name);
  if (ioctl(socket, SIOCGIFFLAGS, &request) == 0 && (request.ifr_flags & IFF_UP) == 0) {
    request.ifr_flags = static_cast<short>(request.ifr_flags | IFF_UP);
    checked(ioctl(socket, SIOCSIFFLAGS, &request), "start the loopback device");
  }
}

/// Two sockets that are connected over TCP, whose small messages are sent at once.
std::array<int, 2> tcp_pair() {
  const int listener = checked(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), "make a socket");
  start_loopback(listener);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof address;
  auto* const any = reinterpret_cast<sockaddr*>(&address);
  checked(bind(listener, any, length), "bind a socket");
  checked(listen(listener, 1), "listen at a socket");
  checked(getsockname(listener, any, &length), "ask for a socket's port");
  const int first = checked(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), "make a socket");
  checked(connect(first, any, length), "connect to a socket");
  const int second = checked(accept4(listener, nullptr, nullptr, SOCK_CLOEXEC), "accept a socket");
  close(listener);
  for (const int end : {first, second}) {
    const int on = 1;
    checked(setsockopt(end, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on), "set up a socket");
  }
  return {first, second};
}

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
    ends = tcp_pair();
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
