#include <fmt/format.h>
#include <gtest/gtest.h>

#include <array>
#include <fstream>
#include <sstream>
#include <string>

#include "command_line.hpp"
#include "workloads/all.hpp"

namespace pipelab {
namespace {

TEST(Contract, HasTheOptionsOfTheProgram) {
  for (const Entry& workload : kWorkloads) {
    std::ostringstream file;
    file << std::ifstream(
                fmt::format("{}/workloads/{}/workload.toml", PIPELAB_SOURCES, workload.name))
                .rdbuf();
    const std::string contract = file.str();
    const std::size_t begin = contract.find("\n[options.");
    ASSERT_NE(begin, std::string::npos) << workload.name;
    const std::string name(workload.name);
    const std::array<const char*, 3> words{"pipelab", name.c_str(), "--contract"};
    ::testing::internal::CaptureStdout();
    EXPECT_FALSE(parse(words.size(), words.data(), kWorkloads).workload);
    EXPECT_EQ(contract.substr(begin + 1), ::testing::internal::GetCapturedStdout())
        << "what 'pipelab " << name << " --contract' prints belongs at the end of workload.toml";
  }
}

}  // namespace
}  // namespace pipelab
