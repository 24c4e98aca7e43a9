#pragma once

#include <sys/types.h>

#include <map>
#include <span>
#include <string>
#include <vector>

namespace pipelab::attendant {

/// What a thread is in: a place in a file, and the function where that is known.
struct Frame {
  std::string file;        ///< without its folders; empty where no file is mapped
  std::string offset;      ///< in the file
  std::string function{};  ///< demangled; empty where the file has no symbol for it
};

/// A demangled name without its parameters and unnamed namespaces, and cut where it is long.
std::string short_name(std::string function);

/// Where a thread with these frames, innermost first, is in the program itself, in up to so many
/// functions: "take < work < main"; without what the C and C++ libraries do. Empty where nothing is
/// known.
std::string place_of(std::span<const Frame> frames, int functions);

/// The stacks of threads of this machine, by thread, innermost frame first; what cannot be had is
/// left out. Each thread stands still meanwhile. A process of its own reads them, since what it
/// reads may be damaged.
std::map<pid_t, std::vector<Frame>> stacks_of(std::span<const pid_t> threads);

}  // namespace pipelab::attendant
