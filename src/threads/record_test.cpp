#include "threads/record.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

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

TEST(RunTime, IsOfAllThreadsOrNotKnown) {
  std::vector<Record> threads(2);
  threads[0].counters.run_time_ns = 6;
  EXPECT_FALSE(run_time_ns(threads));
  threads[1].counters.run_time_ns = 7;
  EXPECT_EQ(run_time_ns(threads), 13);
}

}  // namespace
}  // namespace pipelab::threads
