#pragma once

#include <sys/types.h>

#include <optional>
#include <string>

#include "attendant/images.hpp"
#include "attendant/words.hpp"
#include "platform/clock.hpp"

namespace pipelab::attendant {

/// Why the command never ran: a line for people, and the exit code.
struct Refusal {
  std::string reason;
  int exit_code;
};

/// The user's command, as a child of this process, in a session of its own.
class Program {
 public:
  /// Makes the child, in its root and folder, where it waits. `region` is its PIPELAB_REGION. All
  /// signals that this process blocks are its own again there. Throws std::runtime_error when there
  /// can be no child, or no such root or folder.
  Program(const Words& words, const std::string& region);
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;
  Program(Program&&) = delete;
  Program& operator=(Program&&) = delete;
  ~Program();

  /// Lets it become the command.
  void let_go() const noexcept;

  /// Waits for its end, and reaps what other children end meanwhile. Its status (wait(2)), or
  /// nothing when `deadline_ns` passed. SIGCHLD must be blocked. `images`, which may be null, are
  /// those that follow it.
  std::optional<int> wait(std::optional<platform::Nanoseconds> deadline_ns,
                          Images* images = nullptr) const;

  pid_t pid() const noexcept { return pid_; }

  /// After its end: whether the command could not be executed.
  std::optional<Refusal> refusal() const;

 private:
  std::string command_;
  int socket_{-1};  // to the child, until it becomes the command
  pid_t pid_{-1};
};

}  // namespace pipelab::attendant
