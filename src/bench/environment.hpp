#pragma once

#include "bench/options.hpp"
#include "bench/pair.hpp"
#include "bench/rounds.hpp"

namespace pipelab::bench {

/// Writes what a run is made on and with, and what came of it, as `key,value` lines to
/// `options.environment_path`, if there is one. Throws std::system_error when that cannot be
/// written.
void write_environment(const Options& options, const CpuPair& cpus, const Tally& tally);

}  // namespace pipelab::bench
