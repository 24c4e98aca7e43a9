#include "platform/listener.hpp"

#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <string_view>

#include "platform/system_call.hpp"

namespace pipelab::platform {
namespace {

int new_socket(StreamKind kind) {
  return checked(
      socket(kind == StreamKind::kTcp ? AF_INET : AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0),
      "make a socket");
}

/// Sees to it that there is a loopback device, which a bare guest has not started.
void start_loopback(int socket) {
  ifreq request{};
  std::ranges::copy(std::string_view("lo"), request.ifr_name);
  if (ioctl(socket, SIOCGIFFLAGS, &request) == 0 && (request.ifr_flags & IFF_UP) == 0) {
    request.ifr_flags = static_cast<short>(request.ifr_flags | IFF_UP);
    checked(ioctl(socket, SIOCSIFFLAGS, &request), "start the loopback device");
  }
}

}  // namespace

Listener::Listener(StreamKind kind, int backlog) : kind_(kind), file_(new_socket(kind)) {
  auto* const any = reinterpret_cast<sockaddr*>(&address_);
  socklen_t bytes = sizeof(sa_family_t);  // of a Unix socket no more: the kernel chooses the name
  if (kind == StreamKind::kTcp) {
    start_loopback(file_);
    auto& address = reinterpret_cast<sockaddr_in&>(address_);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    bytes = sizeof address;
  }
  address_.ss_family = kind == StreamKind::kTcp ? AF_INET : AF_UNIX;
  checked(bind(file_, any, bytes), "bind a socket");
  checked(listen(file_, backlog), "listen at a socket");
  checked(getsockname(file_, any, &length_), "ask for a socket's address");
}

Listener::~Listener() { close(file_); }

int Listener::connect() const {
  const int file = new_socket(kind_);
  checked(::connect(file, reinterpret_cast<const sockaddr*>(&address_), length_),
          "connect to a socket");
  set_up(file);
  return file;
}

int Listener::accept() const {
  int file = -1;
  do {
    file = accept4(file_, nullptr, nullptr, SOCK_CLOEXEC);
  } while (file < 0 && errno == EINTR);
  if (file < 0 && errno == EINVAL) {
    return -1;
  }
  set_up(checked(file, "accept a socket"));
  return file;
}

void Listener::shut() const noexcept { ::shutdown(file_, SHUT_RDWR); }

void Listener::set_up(int file) const {
  const int on = 1;
  if (kind_ == StreamKind::kTcp) {
    checked(setsockopt(file, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on), "set up a socket");
  }
}

}  // namespace pipelab::platform
