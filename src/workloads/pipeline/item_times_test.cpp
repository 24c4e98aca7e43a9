#include "workloads/pipeline/item_times.hpp"

#include <gtest/gtest.h>

#include <array>
#include <numeric>

namespace pipelab::pipeline {
namespace {

using Stages = std::array<platform::Nanoseconds, 5>;

/// Of an item, when the consumer was done with the one before it at `free_ns`.
ItemTimes item(platform::Nanoseconds free_ns) {
  return {.intended_ns = 1000,
          .created_ns = 1010,
          .pushed_ns = 1030,
          .popped_ns = 1070,
          .done_ns = 1150,
          .free_ns = free_ns};
}

TEST(ItemTimes, SplitWhatTheConsumerDidMeanwhile) {
  EXPECT_EQ(item(0).stages_ns(), (Stages{10, 20, 0, 40, 80}));     // it is the first
  EXPECT_EQ(item(1020).stages_ns(), (Stages{10, 20, 0, 40, 80}));  // the consumer waited for it
  EXPECT_EQ(item(1045).stages_ns(), (Stages{10, 20, 15, 25, 80}));
  EXPECT_EQ(item(1070).stages_ns(), (Stages{10, 20, 40, 0, 80}));
}

TEST(ItemTimes, HaveStagesThatAddUp) {
  for (const platform::Nanoseconds free_ns : {0, 1031, 1069}) {
    const Stages stages = item(free_ns).stages_ns();
    const auto [latency, response] = item(free_ns).metrics_ns();
    EXPECT_EQ(std::reduce(stages.begin(), stages.end()), response);
    EXPECT_EQ(stages[1] + stages[2] + stages[3], latency);
  }
}

}  // namespace
}  // namespace pipelab::pipeline
