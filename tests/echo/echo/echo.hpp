#pragma once

#include <memory>

#include "workload.hpp"

namespace pipelab::echo {

/// Callers that each wait for an answer, and a thread that answers all of them.
std::unique_ptr<Workload> make();

}  // namespace pipelab::echo
