#pragma once

#include <cstddef>

#include "platform/clock.hpp"

namespace pipelab::bench {

/// Says on stderr how far the run is: one line that is written over on a terminal, else a line now
/// and then.
class Progress {
 public:
  /// A run that ends at `end_ns`; each of its rounds has `cells` samples.
  Progress(platform::Nanoseconds end_ns, std::size_t cells);

  /// Before sample `cell` (from 0) of `round` (from 1).
  void show(int round, std::size_t cell);

  /// Leaves the line.
  void finish() const;

 private:
  platform::Nanoseconds end_ns_;
  std::size_t cells_;
  bool terminal_;
  platform::Nanoseconds next_ns_{0};
};

}  // namespace pipelab::bench
