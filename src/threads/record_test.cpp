#include "threads/record.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace pipelab::threads {
namespace {

TEST(Record, HasAFieldForEachColumnEmptyWhereNothingIsKnown) {
  const Record known{.name = "reader 2",
                     .role = "reader",
                     .tid = 7,
                     .cpu = 1,
                     .counters = {.voluntary_switches = 1,
                                  .involuntary_switches = 2,
                                  .migrations = 3,
                                  .page_faults = 4,
                                  .run_delay_ns = 5,
                                  .run_time_ns = 6,
                                  .user_ns = 7,
                                  .system_ns = 8}};
  EXPECT_EQ(csv_line(known), "reader 2,7,reader,1,1,2,3,4,5,6,7,8");
  EXPECT_EQ(csv_line({.name = "reader 2", .role = "reader", .tid = 7}),
            "reader 2,7,reader,,,,,,,,,");
  EXPECT_EQ(std::ranges::count(kHeader, ','), 11);
}

}  // namespace
}  // namespace pipelab::threads
