#include <gtest/gtest.h>

#include <fstream>
#include <sstream>
#include <string>

#include "cli/contract.hpp"
#include "command_line.hpp"
#include "workloads/pipeline/pipeline.hpp"

namespace pipelab::pipeline {
namespace {

TEST(Contract, HasTheOptionsOfTheProgram) {
  std::ostringstream file;
  file << std::ifstream(PIPELAB_SOURCES "/workloads/pipeline/workload.toml").rdbuf();
  const std::string contract = file.str();
  const std::size_t begin = contract.find("\n[options.");
  ASSERT_NE(begin, std::string::npos);
  Pipeline pipeline;
  Kit kit;
  EXPECT_EQ(contract.substr(begin + 1), cli::contract(options_of(pipeline, kit).all()))
      << "what 'pipelab pipeline --contract' prints belongs at the end of workload.toml";
}

}  // namespace
}  // namespace pipelab::pipeline
