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

/// Of a workload that pours tea.
struct TeaTimes {
  platform::Nanoseconds intended_ns;
  platform::Nanoseconds poured_ns;
  platform::Nanoseconds done_ns;

  static constexpr std::array<std::string_view, 2> kStages{"brewing", "drinking"};
  static constexpr std::array<std::string_view, 1> kMetrics{"response"};

  std::array<platform::Nanoseconds, 2> stages_ns() const {
    return {poured_ns - intended_ns, done_ns - poured_ns};
  }
  std::array<platform::Nanoseconds, 1> metrics_ns() const { return {done_ns - intended_ns}; }
};

TEST_F(Csv, WritesLinesUnderAHeader) {
  write_lines(OutputFile(path_), "key,value",
              std::array<std::string, 2>{"produced,10", "duration_s,2.000000000"});
  EXPECT_EQ(contents(path_), "key,value\nproduced,10\nduration_s,2.000000000\n");
}

TEST_F(Csv, WritesTheStagesOfAnItemFromTheBeginning) {
  Recorder<TeaTimes> recorder(2, 3);
  for (platform::Nanoseconds begin_ns = 1'000'000; begin_ns < 1'000'005; ++begin_ns) {
    recorder.record({begin_ns, begin_ns + 10, begin_ns + 150});
  }
  write_samples(OutputFile(path_), recorder, 900'000);
  EXPECT_EQ(contents(path_),
            "item,intended_ns,brewing_ns,drinking_ns,response_ns\n"
            "0,100000,10,140,150\n3,100003,10,140,150\n");
}

TEST_F(Csv, WritesStatsAsKeysAndValues) {
  write_stats(OutputFile(path_), std::array<Stat, 2>{{{"items", "10"}, {"wake_ups", ""}}});
  EXPECT_EQ(contents(path_), "key,value\nitems,10\nwake_ups,\n");
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
    write_lines(OutputFile("/dev/full"), "key,value", std::array<std::string, 1>{"produced,10"});
    FAIL() << "nothing was thrown";
  } catch (const std::system_error& error) {
    EXPECT_STREQ(error.what(), "cannot write /dev/full: No space left on device");
  }
}

TEST_F(Csv, ReportsAFolderThatIsNotThere) {
  EXPECT_THROW(OutputFile("/nowhere/latencies.csv"), std::system_error);
}

TEST_F(Csv, AreWrittenByOneRunAtATime) {
  {
    OutputFile first(path_);
    first.write("key,value\n");
    EXPECT_THROW(OutputFile{path_}, std::system_error);
    first.close();
  }
  EXPECT_EQ(contents(path_), "key,value\n");
  std::ofstream(path_ + ".partial") << "what a run left that was killed";
  write_lines(OutputFile(path_), "key,value", std::array<std::string, 1>{"produced,3"});
  EXPECT_EQ(contents(path_), "key,value\nproduced,3\n");
  EXPECT_FALSE(std::filesystem::exists(path_ + ".partial"));
}

TEST_F(Csv, LeavesTheOldFileUntilTheNewOneIsWhole) {
  write_lines(OutputFile(path_), "key,value", std::array<std::string, 1>{"produced,1"});
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
  write_lines(OutputFile(link), "key,value", std::array<std::string, 1>{"produced,2"});
  EXPECT_TRUE(std::filesystem::is_symlink(link));
  EXPECT_EQ(contents(path_), "key,value\nproduced,2\n");
  std::filesystem::remove(link);
}

TEST_F(Csv, WritesTheCourseWithTheBacklog) {
  Series series{
      .metrics = {"response"},
      .rows = {{0, 100'000'000, 8, 1, {{10, 20}}}, {100'000'000, 50'000'000, 1, 0, {{}}}}};
  series.add_failed(std::vector<std::uint64_t>{0, 1, 2});
  write_series(OutputFile(path_), series, std::vector<std::uint64_t>{10, 15});
  const std::string header =
      "begin_ns,length_ns,offered,items,failed,backlog,rate_ops_s,response_p50_ns,response_p99_"
      "ns\n";
  EXPECT_EQ(contents(path_), header +
                                 "0,100000000,10,8,1,1,80.000,10,20\n"
                                 "100000000,50000000,5,1,3,2,20.000,,\n");
  write_series(OutputFile(path_), series, std::vector<std::uint64_t>{10});  // is not known further
  EXPECT_EQ(contents(path_), header +
                                 "0,100000000,10,8,1,1,80.000,10,20\n"
                                 "100000000,50000000,,1,3,,20.000,,\n");
}

}  // namespace
}  // namespace pipelab::record
