#pragma once

#include <memory>

#include "workload.hpp"

namespace pipelab::ingress {

/// Many producers that hand tasks to one event loop.
std::unique_ptr<Workload> make();

}  // namespace pipelab::ingress
