#include "threads/watchdog.hpp"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <utility>

namespace pipelab::threads {

Watchdog::Watchdog(platform::Nanoseconds limit_ns,
                   std::function<std::optional<std::uint64_t>()> progress,
                   std::function<void()> stalled)
    : quit_(eventfd(0, EFD_CLOEXEC)) {
  if (quit_ < 0) {
    throw std::system_error(errno, std::generic_category(), "make an eventfd");
  }
  constexpr int kLooks = 10;
  constexpr platform::Nanoseconds kNanosecondsPerMillisecond = 1'000'000;
  const auto wait_ms = static_cast<int>(
      std::max<platform::Nanoseconds>(limit_ns / kLooks / kNanosecondsPerMillisecond, 1));
  thread_ = std::thread(
      [quit = quit_, wait_ms, progress = std::move(progress), stalled = std::move(stalled)] {
        pollfd file{.fd = quit, .events = POLLIN, .revents = 0};
        std::optional<std::uint64_t> last;
        int looks = 0;  // that saw the same
        while (poll(&file, 1, wait_ms) <= 0) {
          const std::optional<std::uint64_t> now = progress();
          looks = now && now == last ? looks + 1 : 0;
          last = now;
          if (looks == kLooks) {
            stalled();
            return;
          }
        }
      });
}

Watchdog::~Watchdog() {
  static_cast<void>(eventfd_write(quit_, 1));
  thread_.join();
  close(quit_);
}

}  // namespace pipelab::threads
