#pragma once

#include <string>
#include <vector>

#include "workload.hpp"
#include "workloads/pipeline/experiment.hpp"

namespace pipelab::pipeline {

/// The totals of a run. `clock_read_ns` is what one clock read costs.
std::vector<record::Stat> totals(const Measured& measured, const Recorder& recorder,
                                 double clock_read_ns);

/// The same for people, in a few lines.
std::string summary(const Measured& measured, const Recorder& recorder, double clock_read_ns);

}  // namespace pipelab::pipeline
