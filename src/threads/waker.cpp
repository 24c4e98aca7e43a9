#include "threads/waker.hpp"

#include <fcntl.h>
#include <linux/futex.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <system_error>

namespace pipelab::threads {
namespace {

int must(int result, const char* what) {
  if (result < 0) {
    throw std::system_error(errno, std::generic_category(), what);
  }
  return result;
}

}  // namespace

Waker::Waker(WakeBy mechanism, bool elides) : mechanism_(mechanism), elides_(elides) {
  if (mechanism == WakeBy::kPipe) {
    std::array<int, 2> ends{};
    must(pipe2(ends.data(), O_CLOEXEC), "make a pipe");
    read_ = ends[0];
    write_ = ends[1];
    must(fcntl(write_, F_SETFL, O_NONBLOCK), "set up a pipe");
  } else if (mechanism == WakeBy::kEventfd || mechanism == WakeBy::kEpoll) {
    read_ = write_ = must(eventfd(0, EFD_CLOEXEC), "make an eventfd");
  }
  if (mechanism == WakeBy::kEpoll) {
    epoll_ = must(epoll_create1(EPOLL_CLOEXEC), "make an epoll");
    epoll_event event{.events = EPOLLIN, .data = {}};
    must(epoll_ctl(epoll_, EPOLL_CTL_ADD, read_, &event), "set up an epoll");
  }
}

Waker::~Waker() {
  for (const int file : {epoll_, read_, write_ == read_ ? -1 : write_}) {
    if (file >= 0) {
      close(file);
    }
  }
}

// A signal ends each of these sleeps as a wake-up does.
void Waker::wait() {
  std::array<char, 4096> rings{};  // of a pipe: one byte each
  epoll_event event{};
  switch (mechanism_) {
    case WakeBy::kFutex:
      syscall(SYS_futex, &asleep_, FUTEX_WAIT_PRIVATE, 1, nullptr, nullptr, 0);
      return;
    case WakeBy::kEpoll:
      if (epoll_wait(epoll_, &event, 1, -1) != 1) {
        return;
      }
      [[fallthrough]];
    case WakeBy::kEventfd:
    case WakeBy::kPipe:
      static_cast<void>(read(read_, rings.data(), rings.size()));
      return;
    case WakeBy::kCondvar: {
      std::unique_lock lock(mutex_);
      notified_.wait(lock, [this] { return is_notified_; });
      is_notified_ = false;
      return;
    }
  }
}

void Waker::notify() {
  const std::uint64_t one = 1;
  switch (mechanism_) {
    case WakeBy::kFutex:
      if (!elides_) {  // otherwise wake() has: who is not yet in the kernel must not find its 1
        asleep_.store(0, std::memory_order_relaxed);
      }
      syscall(SYS_futex, &asleep_, FUTEX_WAKE_PRIVATE, 1, nullptr, nullptr, 0);
      return;
    case WakeBy::kPipe:
      static_cast<void>(write(write_, &one, 1));  // a full pipe has been rung enough
      return;
    case WakeBy::kEventfd:
    case WakeBy::kEpoll:
      static_cast<void>(write(write_, &one, sizeof(one)));
      return;
    case WakeBy::kCondvar: {
      const std::lock_guard lock(mutex_);
      is_notified_ = true;
    }
      notified_.notify_one();
      return;
  }
}

void Waker::poll() noexcept {
  if (mechanism_ == WakeBy::kEpoll) {
    epoll_event event{};
    static_cast<void>(epoll_wait(epoll_, &event, 1, 0));
  }
}

}  // namespace pipelab::threads
