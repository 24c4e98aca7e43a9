#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

#include "cli/options.hpp"
#include "platform/scheduling.hpp"
#include "threads/waiter.hpp"

namespace pipelab::threads {

/// How the threads of a run are scheduled.
struct Options {
  platform::Scheduling scheduling;             ///< of those that have no class of their own
  std::optional<std::int64_t> timer_slack_ns;  ///< none: the kernel's own
  bool mlock{false};                           ///< keep all memory from being paged out
};

void add_options(cli::Options& all, Options& options);

/// What the threads of a role can have of their own.
struct RoleOptions {
  std::optional<int> pin{};                          ///< their CPU; none: the kernel chooses
  std::optional<platform::Scheduling> scheduling{};  ///< none: that of all
};

/// A role, and in words who it is that runs: "the producer runs".
struct AddedRole {
  std::string_view name;
  std::string_view who_runs;
  RoleOptions& options;
};

/// Adds options such as `--pin-producer`, and then such as `--sched-producer`.
void add_roles(cli::Options& all, std::initializer_list<AddedRole> roles);

/// Adds `--wait`: how a side waits `where` it is the program that does, with the first of the ways
/// that Wait has, and `more` of them.
void add_wait(cli::Options& all, std::optional<Wait>& wait, const std::string& where,
              std::initializer_list<cli::Choice<Wait>> more = {});

struct Role {
  std::string_view name;
  const RoleOptions& options;
};

/// What is wrong with the roles of a run whose threads have the class `scheduling`; empty if
/// nothing is. Linux lets no pinned thread into the deadline class.
std::string conflict(const platform::Scheduling& scheduling, std::initializer_list<Role> roles);

/// Reads `other`, `fifo:PRIORITY`, `rr:PRIORITY` (1 to 99), or `deadline:RUNTIME,DEADLINE,PERIOD`
/// (microseconds, each at least the one before it, the first at least 2).
std::optional<platform::Scheduling> to_scheduling(std::string_view text);

}  // namespace pipelab::threads
