#include "threads/process.hpp"

#include <fmt/format.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <exception>
#include <new>
#include <stdexcept>
#include <string_view>
#include <system_error>
#include <type_traits>
#include <utility>

#include "platform/interrupt.hpp"
#include "platform/system_call.hpp"

namespace pipelab::threads {
namespace {

using Text = std::array<char, 512>;

void copy(std::string_view from, Text& to) {
  to.fill('\0');
  std::ranges::copy(from.substr(0, to.size() - 1), to.begin());
}

}  // namespace

/// What goes over the link, as it lies in memory: both ends are the same program.
struct Process::Packet {
  enum class What { kReady, kStart, kRecord, kDone, kKernelRefused, kNoMemory, kWrong };

  What what{What::kReady};
  Text text{};  // of a record its thread's name
  Text role{};
  pid_t tid{0};
  int error{0};
  std::optional<int> cpu{};
  platform::ThreadCounters counters{};

  void send(int link) const {
    platform::checked(::send(link, this, sizeof *this, MSG_NOSIGNAL),
                      "send to another process of the run");
  }

  /// False at the other's end.
  bool receive(int link) {
    ssize_t got = 0;
    do {
      got = recv(link, this, sizeof *this, 0);
    } while (got < 0 && errno == EINTR);
    return got == static_cast<ssize_t>(sizeof *this);
  }

  void rethrow() const {
    switch (what) {
      case What::kKernelRefused:
        throw std::system_error(error, std::generic_category(), text.data());
      case What::kNoMemory:
        throw std::bad_alloc();
      case What::kWrong:
        throw std::logic_error(text.data());
      default:
        break;
    }
  }
};

void Process::Parent::ready() const {
  static_assert(std::is_trivially_copyable_v<Packet>);
  Packet{.what = Packet::What::kReady}.send(link_);
  Packet packet;
  static_cast<void>(packet.receive(link_));  // without a start it is killed
}

Process::Process(const Body& body) {
  using What = Packet::What;
  std::array<int, 2> links{};
  platform::checked(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, links.data()),
                    "make a socket");
  const pid_t parent = getpid();
  pid_ = fork();
  if (pid_ != 0) {
    close(links[1]);
    link_ = links[0];
    platform::checked(pid_, "start a process");
    death_ =
        static_cast<int>(platform::checked(syscall(SYS_pidfd_open, pid_, 0), "watch a process"));
    return;
  }
  close(links[0]);
  const int link = links[1];
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) {
    _exit(1);
  }
  platform::stop_on_interrupt();
  Packet last{.what = What::kDone};
  try {
    for (const Record& record : body(Parent(link))) {
      Packet packet{
          .what = What::kRecord, .tid = record.tid, .cpu = record.cpu, .counters = record.counters};
      copy(record.name, packet.text);
      copy(record.role, packet.role);
      packet.send(link);
    }
  } catch (const std::system_error& error) {
    last.what = What::kKernelRefused;
    last.error = error.code().value();
    const std::string_view words = error.what();  // "what: the error in words"
    copy(words.substr(0, words.rfind(": ")), last.text);
  } catch (const std::bad_alloc&) {
    last.what = What::kNoMemory;
  } catch (const std::exception& error) {
    last.what = What::kWrong;
    copy(error.what(), last.text);
  }
  try {
    last.send(link);
  } catch (const std::system_error&) {
    _exit(1);  // nobody is there any more
  }
  _exit(0);
}

Process::~Process() {
  close(link_);
  if (pid_ > 0) {
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
  close(death_);
}

Process::Packet Process::receive() const {
  Packet packet;
  if (!packet.receive(link_)) {
    throw std::runtime_error(fmt::format("process {} of the run ended before its time", pid_));
  }
  packet.rethrow();
  return packet;
}

void Process::wait_until_ready() { static_cast<void>(receive()); }

void Process::start() {
  try {
    Packet{.what = Packet::What::kStart}.send(link_);
  } catch (const std::system_error&) {
    static_cast<void>(receive());  // which says why nobody is there
    throw;
  }
}

bool Process::has_word(platform::Nanoseconds within_ns) const {
  pollfd link{.fd = link_, .events = POLLIN, .revents = 0};
  const timespec limit = platform::to_timespec(within_ns);
  return ppoll(&link, 1, &limit, nullptr) > 0;
}

std::vector<Record> Process::join() {
  std::vector<Record> records;
  for (Packet packet = receive(); packet.what == Packet::What::kRecord; packet = receive()) {
    records.push_back({.name = packet.text.data(),
                       .role = packet.role.data(),
                       .tid = packet.tid,
                       .cpu = packet.cpu,
                       .counters = packet.counters});
  }
  waitpid(std::exchange(pid_, -1), nullptr, 0);
  return records;
}

}  // namespace pipelab::threads
