#pragma once

#include <memory>

#include "workload.hpp"

namespace pipelab::rpc {

/// A client that sends requests, and a server that answers them.
std::unique_ptr<Workload> make();

}  // namespace pipelab::rpc
