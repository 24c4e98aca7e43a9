#include "record/fairness.hpp"

#include <gtest/gtest.h>

namespace pipelab::record {
namespace {

TEST(Fairness, IsTheShareOfThoseThatGotAll) {
  EXPECT_DOUBLE_EQ(fairness({5, 5, 5, 5}), 1);
  EXPECT_DOUBLE_EQ(fairness({8, 0, 0, 0}), 0.25);
  EXPECT_DOUBLE_EQ(fairness({3, 3, 0, 0}), 0.5);
  EXPECT_DOUBLE_EQ(fairness({0, 0}), 1);
}

}  // namespace
}  // namespace pipelab::record
