#include "attendant/images.hpp"

#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstring>
#include <ctime>
#include <optional>
#include <stdexcept>

#include "attendant/text_file.hpp"

namespace pipelab::attendant {
namespace {

/// One of ptrace's requests that take a number.
// NOLINTNEXTLINE(*-reinterpret-cast, performance-no-int-to-ptr): as ptrace has it
void* number(std::uintptr_t value) { return reinterpret_cast<void*>(value); }

/// Which event of ptrace's a status is; 0: a signal.
int event_of(int status) noexcept {
  constexpr int kEventShift = 16;
  return status >> kEventShift;
}

/// Stops a process that is followed, and gives its status; nothing where it does not stop, as one
/// whose first thread has ended.
std::optional<int> stop(pid_t pid) {
  constexpr timespec kMillisecond{.tv_sec = 0, .tv_nsec = 1'000'000};
  constexpr int kMoment = 100;
  ptrace(PTRACE_INTERRUPT, pid, nullptr, nullptr);
  for (int waited = 0; waited < kMoment; ++waited) {
    int status = 0;
    const pid_t ended = waitpid(pid, &status, WNOHANG | __WALL);
    if (ended != 0) {
      return ended == pid ? std::optional(status) : std::nullopt;
    }
    nanosleep(&kMillisecond, nullptr);
  }
  return {};
}

}  // namespace

Images::Images(pid_t first) {
  constexpr unsigned kEvents =
      PTRACE_O_TRACEEXEC | PTRACE_O_TRACEEXIT | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK;
  if (ptrace(PTRACE_SEIZE, first, nullptr, number(kEvents)) != 0) {
    throw std::runtime_error(std::string("cannot follow the program: ") + std::strerror(errno));
  }
  followed_.insert(first);
}

Images::~Images() { let_all_go(); }

void Images::go_on(pid_t pid, int status) {
  if (!WIFSTOPPED(status)) {
    followed_.erase(pid);
    executed_.erase(pid);
    return;
  }
  const int event = event_of(status);
  int signal = WSTOPSIG(status);
  auto request = PTRACE_CONT;
  if (event == PTRACE_EVENT_FORK || event == PTRACE_EVENT_VFORK) {
    unsigned long child = 0;
    if (ptrace(PTRACE_GETEVENTMSG, pid, nullptr, &child) == 0) {
      followed_.insert(static_cast<pid_t>(child));
    }
  } else if (event == PTRACE_EVENT_EXEC) {
    executed_.insert(pid);
  } else if (event == PTRACE_EVENT_EXIT) {
    take(pid);
  } else if (event == PTRACE_EVENT_STOP && signal != SIGTRAP) {
    request = PTRACE_LISTEN;  // it was told to stop
  }
  if (event != 0) {
    signal = 0;
  }
  ptrace(request, pid, nullptr, number(static_cast<std::uintptr_t>(signal)));
}

void Images::take(pid_t pid) {
  constexpr std::size_t kMost = 100;
  if (executed_.erase(pid) == 0 || taken_ == kMost) {
    return;
  }
  ++taken_;
  const std::string folder = "/proc/" + std::to_string(pid);
  std::array<char, 4096> program{};
  const ssize_t length = readlink((folder + "/exe").c_str(), program.data(), program.size());
  text_ += "image " + std::to_string(pid) + " " +
           escaped({program.data(), static_cast<std::size_t>(length < 0 ? 0 : length)}) + "\n" +
           content_of(folder + "/maps");
}

void Images::let_all_go() {
  constexpr int kMostSteps = 1000;  // of processes that fork others all the time
  for (int step = 0; step < kMostSteps && !followed_.empty(); ++step) {
    const pid_t pid = *followed_.begin();
    const std::optional<int> stopped = stop(pid);
    if (!stopped || !WIFSTOPPED(*stopped)) {
      followed_.erase(pid);
      continue;
    }
    // What stopped it may be what it was about, and not this process.
    const int status = *stopped;
    const int event = event_of(status);
    if (event == PTRACE_EVENT_FORK || event == PTRACE_EVENT_VFORK || event == PTRACE_EVENT_EXEC) {
      go_on(pid, status);
      continue;
    }
    take(pid);
    const int signal = event == 0 ? WSTOPSIG(status) : 0;
    ptrace(PTRACE_DETACH, pid, nullptr, number(static_cast<std::uintptr_t>(signal)));
    followed_.erase(pid);
  }
}

}  // namespace pipelab::attendant
