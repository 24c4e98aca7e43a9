#pragma once

#include <sys/socket.h>

#include "platform/streams.hpp"

namespace pipelab::platform {

/// A socket that others connect to, over Unix sockets or TCP and the loopback device, which it
/// starts where a bare guest has not. Processes that are forked later have it as well. Each
/// function throws std::system_error where the kernel refuses.
class Listener {
 public:
  /// Holds so many connections that nobody has accepted yet.
  Listener(StreamKind kind, int backlog);
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;
  Listener(Listener&&) = delete;
  Listener& operator=(Listener&&) = delete;
  ~Listener();

  /// Another connection's file, whose small messages are sent at once.
  int connect() const;

  /// The other end of the one that came first; -1 when nobody can connect any more.
  int accept() const;

  /// What is readable while somebody waits for accept(), and once nobody can connect any more.
  int file() const noexcept { return file_; }

  /// Nobody can connect any more, in no process.
  void shut() const noexcept;

 private:
  void set_up(int file) const;

  StreamKind kind_;
  int file_;
  sockaddr_storage address_{};
  socklen_t length_{sizeof address_};
};

}  // namespace pipelab::platform
