#pragma once

#include <string>
#include <vector>

#include "workload.hpp"
#include "workloads/pipeline/experiment.hpp"

namespace pipelab::pipeline {

/// The totals of a run.
std::vector<record::Stat> totals(const Measured& measured, const Recorder& recorder);

/// The same for people, in a few lines, and what one clock read costs.
std::string summary(const Measured& measured, const Recorder& recorder, double clock_read_ns);

}  // namespace pipelab::pipeline
