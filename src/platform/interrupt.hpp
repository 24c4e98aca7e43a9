#pragma once

#include <atomic>

namespace pipelab::platform {

/// Has SIGINT and SIGTERM set what this returns.
std::atomic<bool>& stop_on_interrupt();

/// A file that is readable from then on, in all processes that were forked after that call too; -1,
/// which poll(2) passes over, before it.
int interrupt_file() noexcept;

/// Has them end the program as well, with kInterrupted, a second later: for one that writes what it
/// measured to a pipe, which may have no reader that takes it.
void exit_soon_on_interrupt();

/// The exit code of a program that a user interrupted.
inline constexpr int kInterrupted = 130;

}  // namespace pipelab::platform
