#pragma once

#include <memory>

#include "workload.hpp"

namespace pipelab::exchange {

/// Callers and responders, in pairs, that share memory.
std::unique_ptr<Workload> make();

}  // namespace pipelab::exchange
