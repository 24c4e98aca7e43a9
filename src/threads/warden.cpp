#include "threads/warden.hpp"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <system_error>
#include <utility>

namespace pipelab::threads {

Warden::Warden(int death, std::function<void()> dead) : quit_(eventfd(0, EFD_CLOEXEC)) {
  if (quit_ < 0) {
    throw std::system_error(errno, std::generic_category(), "make an eventfd");
  }
  thread_ = std::thread([this, death, dead = std::move(dead)] {
    std::array<pollfd, 2> files{{{.fd = death, .events = POLLIN, .revents = 0},
                                 {.fd = quit_, .events = POLLIN, .revents = 0}}};
    while (poll(files.data(), files.size(), -1) < 0 && errno == EINTR) {
    }
    if (files[1].revents == 0) {
      dead();
    }
  });
}

Warden::~Warden() {
  static_cast<void>(eventfd_write(quit_, 1));
  thread_.join();
  close(quit_);
}

}  // namespace pipelab::threads
