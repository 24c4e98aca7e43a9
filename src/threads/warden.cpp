#include "threads/warden.hpp"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <system_error>
#include <utility>

#include "platform/interrupt.hpp"

namespace pipelab::threads {
namespace {

/// By its file and not by its number, which another may have when it is gone.
void signal_to(int process_file, int signal) noexcept {
  syscall(SYS_pidfd_send_signal, process_file, signal, nullptr, 0);
}

}  // namespace

Warden::Warden(const Process& process, std::function<void()> dead)
    : quit_(eventfd(0, EFD_CLOEXEC)) {
  if (quit_ < 0) {
    throw std::system_error(errno, std::generic_category(), "make an eventfd");
  }
  thread_ = std::thread([quit = quit_, death = process.death(), dead = std::move(dead)] {
    constexpr int kPatienceMs = 1000;
    std::array<pollfd, 3> files{
        {{.fd = death, .events = POLLIN, .revents = 0},
         {.fd = quit, .events = POLLIN, .revents = 0},
         {.fd = platform::interrupt_file(), .events = POLLIN, .revents = 0}}};
    int patience_ms = -1;
    while (files[0].revents == 0 && files[1].revents == 0) {
      const int ready = poll(files.data(), files.size(), patience_ms);
      if (ready > 0 && files[2].revents != 0) {
        signal_to(death, SIGTERM);
        files[2] = {.fd = -1, .events = 0, .revents = 0};
        patience_ms = kPatienceMs;
      } else if (ready == 0) {
        signal_to(death, SIGKILL);
        patience_ms = -1;
      }
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
