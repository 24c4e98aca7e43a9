#pragma once

#include <sys/types.h>

#include <cstddef>
#include <set>
#include <string>

namespace pipelab::attendant {

/// Which programs a command becomes, and where in memory their code is: the maps of each process
/// that executes one, taken when it ends (ptrace(2)). It follows what the first threads of
/// processes fork.
class Images {
 public:
  /// Begins with `first`, which is a child of this process. Throws std::runtime_error.
  explicit Images(pid_t first);
  Images(const Images&) = delete;
  Images& operator=(const Images&) = delete;
  Images(Images&&) = delete;
  Images& operator=(Images&&) = delete;
  ~Images();

  /// Takes from the status (wait(2)) of a process that it stopped what there is, and lets it go on.
  void go_on(pid_t pid, int status);

  /// Takes what there is of those that have not ended, and follows nobody any more.
  void let_all_go();

  /// Of each a line `image PID PROGRAM`, and then its /proc/PID/maps; of 100 at most.
  const std::string& text() const noexcept { return text_; }

 private:
  void take(pid_t pid);

  std::set<pid_t> followed_;
  std::set<pid_t> executed_;  // of these, those that have a program of their own
  std::size_t taken_{0};
  std::string text_;
};

}  // namespace pipelab::attendant
