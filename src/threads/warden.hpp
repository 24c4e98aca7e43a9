#pragma once

#include <functional>
#include <thread>

namespace pipelab::threads {

/// Watches over a process: calls `dead()`, from a thread of its own, when its file says that it has
/// ended, unless the warden is gone before.
class Warden {
 public:
  Warden(int death, std::function<void()> dead);
  Warden(const Warden&) = delete;
  Warden& operator=(const Warden&) = delete;
  Warden(Warden&&) = delete;
  Warden& operator=(Warden&&) = delete;
  ~Warden();

 private:
  int quit_;
  std::thread thread_;
};

}  // namespace pipelab::threads
