#pragma once

#include <memory>
#include <span>

#include "workload.hpp"

namespace pipelab {

/// What parse() decided.
struct Parsed {
  std::unique_ptr<Workload> workload;  ///< what to run; none when the program should end now
  Kit kit;
  int exit_code{0};  ///< with which code, when it should end
};

/// Reads a command line: one of `workloads`, or options only for the first of them, and options.
/// Prints help or the version on stdout, or what is wrong with it in one line on stderr (exit code
/// 2). With --check that is all; with --contract it prints what the options are; with --check-lines
/// it reads command lines from stdin, and prints `LINE: what is wrong` for each wrong one on
/// stdout.
Parsed parse(int argc, const char* const* argv, std::span<const Entry> workloads);

}  // namespace pipelab
