#pragma once

#include <functional>

namespace pipelab::attendant {

/// Runs `work` in a process of its own, which goes on at once when something stops it, and gives
/// what it gives. 125, after a line on stderr, when a signal ended it: all that descends from it is
/// ended then.
int guarded(const std::function<int()>& work);

/// Whether this process, which must block SIGCONT, was stopped and went on.
bool was_stopped();

}  // namespace pipelab::attendant
