#pragma once

#include <stdexcept>

namespace pipelab::threads {

/// Thrown by who waits for the other side of a run, in another thread or process, and need not any
/// more: it ended before its time, or is silent for too long.
class PeerGone : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

}  // namespace pipelab::threads
