#pragma once

#include <memory>

#include "workload.hpp"
#include "workloads/pipeline/options.hpp"

namespace pipelab::pipeline {

/// A producer, a queue, and a consumer: a WorkloadOf<Options>.
std::unique_ptr<Workload> make();

}  // namespace pipelab::pipeline
