#include <gtest/gtest.h>

#include <array>
#include <fstream>
#include <sstream>
#include <string>

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
  constexpr std::array kWorkloads{Entry{"pipeline", make}};
  const std::array<const char*, 3> words{"pipelab", "pipeline", "--contract"};
  ::testing::internal::CaptureStdout();
  EXPECT_FALSE(parse(words.size(), words.data(), kWorkloads).workload);
  EXPECT_EQ(contract.substr(begin + 1), ::testing::internal::GetCapturedStdout())
      << "what 'pipelab pipeline --contract' prints belongs at the end of workload.toml";
}

}  // namespace
}  // namespace pipelab::pipeline
