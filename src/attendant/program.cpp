#include "attendant/program.hpp"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <stdexcept>
#include <string_view>
#include <vector>

#include "attendant/text_file.hpp"

namespace pipelab::attendant {
namespace {

/// What the child says: that it is ready, or what it could not do.
struct Message {
  enum class Step { kReady, kRoot, kFolder, kExecute };
  Step step;
  int error;
};

/// Executes `command`, which is looked for as execvp(3) does, but is never handed to a shell. The
/// error; ELIBACC when the file is there and what should load it is not.
int execute(const std::vector<std::string>& command) {
  std::vector<char*> arguments;
  arguments.reserve(command.size() + 1);
  for (const std::string& word : command) {
    arguments.push_back(const_cast<char*>(word.c_str()));  // NOLINT(*-const-cast): as exec has it
  }
  arguments.push_back(nullptr);
  const bool is_path = command.front().find('/') != std::string::npos;
  const char* const found = std::getenv("PATH");
  std::string_view folders = is_path || found == nullptr ? "" : found;
  int error = ENOENT;
  for (bool more = true; more;) {
    const std::size_t end = std::min(folders.find(':'), folders.size());
    const std::string file =
        is_path ? command.front() : std::string(folders.substr(0, end)) + "/" + command.front();
    execv(file.c_str(), arguments.data());
    if (errno != ENOENT && errno != ENOTDIR && errno != EACCES) {
      return errno;
    }
    if (errno == EACCES) {
      error = EACCES;
    } else if (!command.front().empty() && access(file.c_str(), F_OK) == 0) {
      return ELIBACC;
    }
    more = end < folders.size();
    folders.remove_prefix(std::min(end + 1, folders.size()));
  }
  return error;
}

void set_environment(const Words& words, const std::string& region) {
  if (!words.root.empty()) {
    clearenv();
    setenv("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", 1);
    setenv("HOME", "/", 1);
    setenv("LANG", "C.UTF-8", 1);
    setenv("TERM", "dumb", 1);
  }
  setenv("PIPELAB_REGION", region.c_str(), 1);
}

void reset_signals() {
  for (int number = 1; number < NSIG; ++number) {
    std::signal(number, SIG_DFL);  // NOLINT(cert-err33-c): some cannot be changed
  }
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
}

/// The child's life until it is the command, or ends.
[[noreturn]] void become(const Words& words, const std::string& region, int socket) {
  const auto fail = [socket](Message::Step step, int error) {
    const Message message{step, error};
    send(socket, &message, sizeof message, MSG_NOSIGNAL);
    constexpr int kNobodySeesThis = 127;
    _exit(kNobodySeesThis);
  };
  setsid();
  const int nothing = open("/dev/null", O_RDONLY | O_CLOEXEC);
  dup2(nothing, STDIN_FILENO);
  const int oom = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
  static_cast<void>(write_all(oom, "0"));
  close(oom);
  if (!words.root.empty() && (chroot(words.root.c_str()) != 0 || chdir("/") != 0)) {
    fail(Message::Step::kRoot, errno);
  }
  if (!words.folder.empty() && chdir(words.folder.c_str()) != 0) {
    fail(Message::Step::kFolder, errno);
  }
  set_environment(words, region);
  const Message ready{Message::Step::kReady, 0};
  char go = 0;
  send(socket, &ready, sizeof ready, MSG_NOSIGNAL);
  if (recv(socket, &go, sizeof go, 0) != sizeof go) {
    _exit(0);  // the attendant is gone
  }
  reset_signals();
  fail(Message::Step::kExecute, execute(words.command));
  _exit(1);
}

}  // namespace

Program::Program(const Words& words, const std::string& region)
    : command_(escaped(words.command.front())) {
  std::array<int, 2> ends{};
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()) != 0 ||
      (pid_ = fork()) < 0) {
    throw std::runtime_error(std::string("cannot start a process: ") + std::strerror(errno));
  }
  if (pid_ == 0) {
    close(ends[0]);
    become(words, region, ends[1]);
  }
  close(ends[1]);
  socket_ = ends[0];
  Message message{Message::Step::kReady, 0};
  if (recv(socket_, &message, sizeof message, 0) != sizeof message) {
    throw std::runtime_error("the process that was to be the program ended too early");
  }
  if (message.step != Message::Step::kReady) {
    const std::string what = message.step == Message::Step::kRoot ? "the root " + words.root
                                                                  : "the folder " + words.folder;
    throw std::runtime_error("cannot enter " + what + ": " + std::strerror(message.error));
  }
}

Program::~Program() { close(socket_); }

void Program::let_go() const noexcept {
  const char go = 1;
  send(socket_, &go, sizeof go, MSG_NOSIGNAL);
}

std::optional<int> Program::wait(std::optional<platform::Nanoseconds> deadline_ns,
                                 Images* images) const {
  sigset_t children;
  sigemptyset(&children);
  sigaddset(&children, SIGCHLD);
  while (true) {
    int status = 0;
    pid_t ended = 0;
    while ((ended = waitpid(-1, &status, WNOHANG | __WALL)) > 0) {
      if (images != nullptr) {
        images->go_on(ended, status);
      }
      if (ended == pid_ && !WIFSTOPPED(status)) {
        return status;
      }
    }
    if (!deadline_ns) {
      sigwaitinfo(&children, nullptr);
      continue;
    }
    const platform::Nanoseconds left_ns = *deadline_ns - platform::now_ns();
    if (left_ns <= 0) {
      return {};
    }
    timespec left{};
    left.tv_sec = static_cast<decltype(left.tv_sec)>(left_ns / platform::kNanosecondsPerSecond);
    left.tv_nsec = static_cast<decltype(left.tv_nsec)>(left_ns % platform::kNanosecondsPerSecond);
    sigtimedwait(&children, nullptr, &left);
  }
}

std::optional<Refusal> Program::refusal() const {
  constexpr int kNotThere = 127;
  constexpr int kNotExecutable = 126;
  Message message{};
  if (recv(socket_, &message, sizeof message, MSG_DONTWAIT) != sizeof message) {
    return {};
  }
  switch (message.error) {
    case ENOENT:
      return Refusal{command_ + ": " + std::strerror(ENOENT), kNotThere};
    case ELIBACC:
      return Refusal{command_ +
                         ": what should load it is not there: its dynamic loader, or the "
                         "interpreter that its first line names",
                     kNotThere};
    case ENOEXEC:
      return Refusal{command_ + ": is not a program for this machine", kNotExecutable};
    default:
      return Refusal{command_ + ": " + std::strerror(message.error), kNotExecutable};
  }
}

}  // namespace pipelab::attendant
