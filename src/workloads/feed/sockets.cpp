#include "workloads/feed/sockets.hpp"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

#include "platform/system_call.hpp"

namespace pipelab::feed {
namespace {

/// What a call that moved bytes came to: none where it is to be made again later.
std::ptrdiff_t moved(ssize_t result, const char* what) {
  if (result >= 0) {
    return result;
  }
  if (errno == ECONNRESET || errno == EPIPE) {
    return kGone;
  }
  if (errno != EAGAIN && errno != EINTR) {
    throw std::system_error(errno, std::generic_category(), what);
  }
  return 0;
}

void close_all(const std::vector<int>& files) noexcept {
  for (const int file : files) {
    if (file >= 0) {
      ::close(file);
    }
  }
}

}  // namespace

Watch::Watch() : file_(platform::checked(epoll_create1(EPOLL_CLOEXEC), "watch sockets")) {}

Watch::~Watch() { ::close(file_); }

void Watch::add(int file, std::uint32_t events, std::uint64_t key, bool is_known) const {
  epoll_event event{.events = events, .data = {.u64 = key}};
  platform::checked(epoll_ctl(file_, is_known ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, file, &event),
                    "watch a socket");
}

void Watch::remove(int file) const noexcept { epoll_ctl(file_, EPOLL_CTL_DEL, file, nullptr); }

std::span<const epoll_event> Watch::wait(platform::Nanoseconds limit_ns) {
  const timespec limit = platform::to_timespec(limit_ns);
  ++system_calls_;
  int many = epoll_pwait2(file_, events_.data(), static_cast<int>(events_.size()), &limit, nullptr);
  if (many < 0 && errno == ENOSYS) {  // in QEMU's user mode, for one
    pollfd watched{.fd = file_, .events = POLLIN, .revents = 0};
    ppoll(&watched, 1, &limit, nullptr);
    many = epoll_wait(file_, events_.data(), static_cast<int>(events_.size()), 0);
  }
  if (many < 0 && errno != EINTR) {
    throw std::system_error(errno, std::generic_category(), "wait for sockets");
  }
  return std::span(events_).first(many < 0 ? 0 : static_cast<std::size_t>(many));
}

Sockets::Sockets(const Options& options, std::pmr::memory_resource& /*shared*/)
    : listener_(options.transport == Transport::kTcp ? platform::StreamKind::kTcp
                                                     : platform::StreamKind::kUnix,
                static_cast<int>(options.clients)),
      clients_(options.clients),
      loops_(options.client_loops),
      io_(options.io.value_or(Io::kEpollEdge)) {}

Sockets::Server::Server(Sockets& all) : all_(all), files_(all.clients_, -1) {
  watch_.add(all.listener_.file(), EPOLLIN, key(all.listener_.file(), kListener));
}

Sockets::Server::~Server() {
  close_all(files_);
  close_all(strangers_);
}

void Sockets::Server::accept() {
  ++system_calls_;
  const int file = all_.listener_.accept();
  if (file < 0) {
    watch_.remove(all_.listener_.file());
    return;
  }
  strangers_.push_back(file);
  watch_.add(file, EPOLLIN, key(file, kStranger));
}

std::size_t Sockets::Server::greet(int file) {
  std::erase(strangers_, file);
  std::uint32_t client = 0;
  ++system_calls_;
  const bool is_told = ::recv(file, &client, sizeof client, MSG_DONTWAIT) == sizeof client;
  if (!is_told || client >= files_.size()) {
    ::close(file);
    return files_.size();
  }
  close(client);  // the one that this takes the place of
  files_[client] = file;
  constexpr std::uint32_t kEvents = EPOLLOUT | EPOLLRDHUP | EPOLLET;
  watch_.add(file, kEvents, key(file, client), true);
  return client;
}

std::ptrdiff_t Sockets::Server::write(std::size_t client, std::span<const std::byte> bytes) {
  ++system_calls_;
  return moved(::send(files_[client], bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL),
               "send messages over a socket");
}

void Sockets::Server::close(std::size_t client) noexcept {
  if (files_[client] >= 0) {
    ::close(files_[client]);
    files_[client] = -1;
  }
}

Sockets::Clients::Clients(Sockets& all, std::size_t loop)
    : all_(all),
      io_(all.io_),
      loop_(loop),
      files_(all.clients_, -1),
      is_paused_(all.clients_, false) {}

Sockets::Clients::~Clients() { close_all(files_); }

bool Sockets::Clients::connect(std::size_t client) {
  try {
    ++system_calls_;
    files_[client] = all_.listener_.connect();
  } catch (const std::system_error& error) {
    if (error.code() != std::errc::connection_refused) {
      throw;
    }
    return false;
  }
  const auto number = static_cast<std::uint32_t>(client);
  ++system_calls_;
  if (::send(files_[client], &number, sizeof number, MSG_NOSIGNAL) != sizeof number) {
    close(client);
    return false;
  }
  watch(client);
  return true;
}

void Sockets::Clients::watch(std::size_t client) {
  if (io_ != Io::kSpin) {
    watch_.add(files_[client], EPOLLIN | (io_ == Io::kEpollEdge ? EPOLLET : 0U), client);
  }
}

std::ptrdiff_t Sockets::Clients::read(std::size_t client, std::span<std::byte> bytes) {
  ++system_calls_;
  const ssize_t result = ::recv(files_[client], bytes.data(), bytes.size(), MSG_DONTWAIT);
  return result == 0 ? kGone : moved(result, "read messages from a socket");
}

void Sockets::Clients::pause(std::size_t client) {
  is_paused_[client] = true;
  watch_.remove(files_[client]);
}

void Sockets::Clients::resume(std::size_t client) {
  is_paused_[client] = false;
  if (files_[client] >= 0) {
    watch(client);
  }
}

void Sockets::Clients::close(std::size_t client) noexcept {
  if (files_[client] >= 0) {
    ::close(files_[client]);
    files_[client] = -1;
  }
}

}  // namespace pipelab::feed
