#pragma once

#include <memory>

#include "workload.hpp"

namespace pipelab::feed {

/// A server of market data, and hundreds of clients.
std::unique_ptr<Workload> make();

}  // namespace pipelab::feed
