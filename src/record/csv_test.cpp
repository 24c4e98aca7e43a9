#include "record/csv.hpp"

#include <gtest/gtest.h>

#include <array>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <system_error>

#include "record/recorder.hpp"

namespace pipelab::record {
namespace {

std::string contents(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

class Csv : public ::testing::Test {
 protected:
  std::string path_ = ::testing::TempDir() + "/pipelab_csv_test.csv";
  void TearDown() override { std::filesystem::remove(path_); }
};

constexpr ItemTimes kItem{.intended_ns = 1'000'000,
                          .created_ns = 1'000'010,
                          .pushed_ns = 1'000'030,
                          .popped_ns = 1'000'070,
                          .done_ns = 1'000'150};

TEST_F(Csv, WritesStatsAsKeysAndValues) {
  write_stats(OutputFile(path_),
              std::array<Stat, 2>{{{"produced", "10"}, {"duration_s", "2.000000000"}}});
  EXPECT_EQ(contents(path_), "key,value\nproduced,10\nduration_s,2.000000000\n");
}

TEST_F(Csv, WritesTheStagesOfAnItemFromTheBeginning) {
  write_latencies(OutputFile(path_), std::array{kItem}, 1, 900'000);
  EXPECT_EQ(contents(path_),
            "item,intended_ns,lateness_ns,enqueue_ns,queue_latency_ns,service_ns,latency_ns,"
            "response_ns\n0,100000,10,20,40,80,60,150\n");
}

TEST_F(Csv, WritesFilledBucketsOnly) {
  Histogram histogram;
  histogram.record(5);
  histogram.record(5);
  histogram.record(4096);
  write_histograms(OutputFile(path_), std::array<NamedHistogram, 1>{{{"latency", histogram}}});
  EXPECT_EQ(contents(path_),
            "metric,lowest_ns,highest_ns,count\nlatency,5,5,2\nlatency,4096,4099,1\n");
}

TEST_F(Csv, ReportsADeviceWithoutRoom) {
  try {
    write_stats(OutputFile("/dev/full"), std::array<Stat, 1>{{{"produced", "10"}}});
    FAIL() << "nothing was thrown";
  } catch (const std::system_error& error) {
    EXPECT_STREQ(error.what(), "cannot write /dev/full: No space left on device");
  }
}

TEST_F(Csv, ReportsAFolderThatIsNotThere) {
  EXPECT_THROW(OutputFile("/nowhere/latencies.csv"), std::system_error);
}

TEST_F(Csv, LeavesTheOldFileUntilTheNewOneIsWhole) {
  write_stats(OutputFile(path_), std::array<Stat, 1>{{{"produced", "1"}}});
  {
    OutputFile unfinished(path_);
    unfinished.write("key,va");
    EXPECT_TRUE(std::filesystem::exists(path_ + ".partial"));
  }
  EXPECT_FALSE(std::filesystem::exists(path_ + ".partial"));
  EXPECT_EQ(contents(path_), "key,value\nproduced,1\n");
}

TEST_F(Csv, WritesThroughALinkWithoutReplacingIt) {
  const std::string link = path_ + ".link";
  std::filesystem::remove(link);
  std::filesystem::create_symlink(path_, link);
  write_stats(OutputFile(link), std::array<Stat, 1>{{{"produced", "2"}}});
  EXPECT_TRUE(std::filesystem::is_symlink(link));
  EXPECT_EQ(contents(path_), "key,value\nproduced,2\n");
  std::filesystem::remove(link);
}

TEST(Recorder, KeepsTheFirstItemsAndCountsAll) {
  Recorder recorder(2);
  for (int item = 0; item < 5; ++item) {
    recorder.record(kItem);
  }
  EXPECT_EQ(recorder.items(), 5U);
  EXPECT_EQ(recorder.samples().size(), 2U);
  EXPECT_EQ(recorder.latency().total(), 5U);
  EXPECT_EQ(recorder.latency().value_at(1.0), 60U);
  EXPECT_EQ(recorder.response().value_at(1.0), 150U);
  EXPECT_EQ(recorder.last_done_ns(), kItem.done_ns);
}

TEST(Recorder, KeepsEveryFewthItem) {
  Recorder recorder(3, 10);
  for (platform::Nanoseconds item = 0; item < 100; ++item) {
    ItemTimes times = kItem;
    times.intended_ns = item;
    recorder.record(times);
  }
  ASSERT_EQ(recorder.samples().size(), 3U);
  EXPECT_EQ(recorder.samples()[0].intended_ns, 0);
  EXPECT_EQ(recorder.samples()[1].intended_ns, 10);
  EXPECT_EQ(recorder.samples()[2].intended_ns, 20);
  EXPECT_EQ(recorder.items(), 100U);
}

TEST(ItemTimes, HasStagesThatAddUpToTheResponse) {
  EXPECT_EQ(
      kItem.lateness_ns() + kItem.enqueue_ns() + kItem.queue_latency_ns() + kItem.service_ns(),
      kItem.response_ns());
  EXPECT_EQ(kItem.enqueue_ns() + kItem.queue_latency_ns(), kItem.latency_ns());
}

}  // namespace
}  // namespace pipelab::record
