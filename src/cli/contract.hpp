#pragma once

#include <span>
#include <string>

#include "cli/options.hpp"

namespace pipelab::cli {

/// The tables `[options.NAME]` of a workload's contract (TOML), by which the lab knows which
/// options a suite may set. Options without a type are not among them.
std::string contract(std::span<const Option> options);

}  // namespace pipelab::cli
