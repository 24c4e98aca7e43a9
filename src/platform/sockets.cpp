#include "platform/sockets.hpp"

#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <string_view>

#include "platform/system_call.hpp"

namespace pipelab::platform {
namespace {

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

}  // namespace pipelab::platform
