#pragma once

#include <functional>
#include <thread>

#include "threads/process.hpp"

namespace pipelab::threads {

/// Watches over a process: calls `dead()`, from a thread of its own, when it has ended, unless the
/// warden is gone before. Tells it when the run is interrupted, and kills it where it does not end
/// a second after that.
class Warden {
 public:
  Warden(const Process& process, std::function<void()> dead);
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
