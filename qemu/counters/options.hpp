#pragma once

#include <span>
#include <string>

#include "caches.hpp"

namespace counters {

/// What the plugin was asked to do, by its "name=value" arguments.
struct Options {
  std::string out{"counters.json"};  ///< the file to write
  bool in_turn{false};               ///< vcpus=in-turn: one host thread runs all vCPUs
  bool caches{false};                ///< count=caches
  bool profile{false};               ///< count=profile
  Shape shape;                       ///< l1=BYTES/WAYS, l2=BYTES/WAYS, line=BYTES
};

/// Throws std::invalid_argument, which says what is wrong and what would be right.
Options parse_options(std::span<char*> arguments);

}  // namespace counters
