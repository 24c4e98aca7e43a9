#include "record/hlog.hpp"

#include <gtest/gtest.h>

#include <array>
#include <bit>
#include <filesystem>
#include <fstream>
#include <random>
#include <sstream>
#include <stdexcept>
#include <string_view>
#include <system_error>
#include <utility>

namespace pipelab::record {
namespace {

using Bytes = std::vector<std::uint8_t>;

Bytes bytes_of(std::string_view text) { return {text.begin(), text.end()}; }

/// Takes numbers from the front of bytes; throws std::out_of_range behind their end.
class Reader {
 public:
  explicit Reader(Bytes bytes) : bytes_(std::move(bytes)) {}

  bool done() const { return next_ == bytes_.size(); }
  std::uint8_t byte() { return bytes_.at(next_++); }

  std::uint64_t big_endian(int size) {
    std::uint64_t value = 0;
    for (int left = size; left > 0; --left) {
      value = value * 256 + byte();
    }
    return value;
  }

  std::size_t little_endian_16() {
    const std::size_t low = byte();
    return low + std::size_t{byte()} * 256;
  }

  std::int64_t zigzag() {
    std::uint64_t word = 0;
    for (unsigned shift = 0; shift <= 56; shift += 7) {
      const std::uint64_t group = byte();
      word |= (shift < 56 ? group % 128 : group) << shift;
      if (group < 128) {
        break;
      }
    }
    const auto half = static_cast<std::int64_t>(word / 2);
    return word % 2 == 0 ? half : -half - 1;
  }

 private:
  Bytes bytes_;
  std::size_t next_{0};
};

Bytes from_base64(const std::string& text) {
  constexpr std::string_view kLetters =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  Bytes bytes;
  std::uint32_t bits = 0;
  unsigned count = 0;
  for (const char letter : text.substr(0, text.find('='))) {
    bits = bits * 64 + static_cast<std::uint32_t>(kLetters.find(letter));
    count += 6;
    if (count >= 8) {
      count -= 8;
      bytes.push_back(static_cast<std::uint8_t>(bits >> count));
      bits %= 1U << count;
    }
  }
  return bytes;
}

/// What a zlib stream of stored blocks holds; throws std::runtime_error when it is not one.
Bytes inflated(const Bytes& stream) {
  const auto expect = [](bool holds, const char* what) {
    if (!holds) {
      throw std::runtime_error(what);
    }
  };
  Reader reader(stream);
  const std::uint64_t header = reader.big_endian(2);
  expect(header / 256 == 0x78 && header % 31 == 0 && (header & 0x20U) == 0, "header");
  Bytes content;
  for (bool last = false; !last;) {
    const std::uint8_t block = reader.byte();
    expect(block <= 1, "a block that is not stored");
    last = block == 1;
    const std::size_t size = reader.little_endian_16();
    expect(size + reader.little_endian_16() == 0xFFFF, "size of a block");
    for (std::size_t index = 0; index < size; ++index) {
      content.push_back(reader.byte());
    }
  }
  expect(reader.big_endian(4) == adler32(content), "checksum");
  expect(reader.done(), "end");
  return content;
}

/// The V2 encoding in the base64 text of an interval.
Bytes decompressed(const std::string& text) {
  Reader reader(from_base64(text));
  EXPECT_EQ(reader.big_endian(4), 0x1c849314U);
  Bytes stream(static_cast<std::size_t>(reader.big_endian(4)));
  for (std::uint8_t& byte : stream) {
    byte = reader.byte();
  }
  EXPECT_TRUE(reader.done());
  return inflated(stream);
}

/// The filled buckets of a V2 encoding. Those from index 1024 (k + 1) to 1024 (k + 2) are 2^k wide,
/// and the first of them begins at 1024 * 2^k; before them, there are 1024 that are 1 wide.
std::vector<Histogram::Bucket> decoded(const Bytes& encoding) {
  Reader reader(encoding);
  EXPECT_EQ(reader.big_endian(4), 0x1c849313U);
  EXPECT_EQ(reader.big_endian(4), encoding.size() - 40);
  EXPECT_EQ(reader.big_endian(4), 0U);
  EXPECT_EQ(reader.big_endian(4), 3U);
  EXPECT_EQ(reader.big_endian(8), 1U);
  EXPECT_EQ(reader.big_endian(8), 562'949'953'421'311U);
  EXPECT_EQ(std::bit_cast<double>(reader.big_endian(8)), 1.0);
  std::vector<Histogram::Bucket> buckets;
  std::uint64_t index = 0;
  while (!reader.done()) {
    const std::int64_t number = reader.zigzag();
    if (number < 0) {
      index += static_cast<std::uint64_t>(-number);
      continue;
    }
    if (number > 0) {
      const std::uint64_t width = index < 1024 ? 1 : std::uint64_t{1} << (index / 1024 - 1);
      const std::uint64_t lowest = index < 1024 ? index : (1024 + index % 1024) * width;
      buckets.push_back({lowest, lowest + width - 1, static_cast<std::uint64_t>(number)});
    }
    ++index;
  }
  return buckets;
}

class Hlog : public ::testing::Test {
 protected:
  std::string path_ = ::testing::TempDir() + "/pipelab_hlog_test.hlog";
  void TearDown() override { std::filesystem::remove(path_); }

  /// The lines of a log of one histogram, named latency.
  std::vector<std::string> lines_with(const Histogram& histogram) {
    write_hlog(OutputFile(path_), std::array<NamedHistogram, 1>{{{"latency", histogram}}}, 0, 0.2);
    std::ifstream file(path_);
    std::vector<std::string> lines;
    for (std::string line; std::getline(file, line);) {
      lines.push_back(line);
    }
    return lines;
  }

  /// The V2 encoding in that log.
  Bytes encoding_of(const Histogram& histogram) {
    const std::string line = lines_with(histogram).back();
    return decompressed(line.substr(line.rfind(',') + 1));
  }

  void expect_round_trip(const Histogram& histogram) {
    const std::vector<Histogram::Bucket> expected = histogram.buckets();
    const std::vector<Histogram::Bucket> got = decoded(encoding_of(histogram));
    ASSERT_EQ(got.size(), expected.size());
    for (std::size_t index = 0; index < got.size(); ++index) {
      EXPECT_EQ(got[index].lowest, expected[index].lowest);
      EXPECT_EQ(got[index].highest, expected[index].highest);
      EXPECT_EQ(got[index].count, expected[index].count);
    }
  }
};

/// One value in each bucket there is.
Histogram full_histogram() {
  Histogram histogram;
  for (std::uint64_t value = 0; value < 2048; ++value) {
    histogram.record(value);
  }
  for (unsigned shift = 1; shift <= 37; ++shift) {
    for (std::uint64_t value = 1024; value < 2048; ++value) {
      histogram.record(value << shift);
    }
  }
  return histogram;
}

TEST_F(Hlog, HasTheLinesOfHistogramLogWriter) {
  Histogram histogram;
  histogram.record(1'500'000);
  const std::vector<std::string> lines = lines_with(histogram);
  ASSERT_EQ(lines.size(), 5U);
  EXPECT_EQ(lines[0], "#[Histogram log format version 1.3]");
  EXPECT_EQ(lines[1], "#[StartTime: 0.000 (seconds since epoch), Thu Jan 01 00:00:00 UTC 1970]");
  EXPECT_EQ(lines[2], "#[BaseTime: 0.000 (seconds since epoch)]");
  EXPECT_EQ(lines[3],
            "\"StartTimestamp\",\"Interval_Length\",\"Interval_Max\","
            "\"Interval_Compressed_Histogram\"");
  EXPECT_TRUE(lines[4].starts_with("Tag=latency,0.000,0.200,1.500,HIST")) << lines[4];
}

TEST_F(Hlog, HasALineForEachHistogram) {
  const Histogram histogram;
  write_hlog(OutputFile(path_),
             std::array<NamedHistogram, 2>{{{"one", histogram}, {"two", histogram}}}, 1, 2);
  std::ostringstream text;
  text << std::ifstream(path_).rdbuf();
  EXPECT_NE(text.str().find("\nTag=one,1.000,2.000,0.000,HIST"), std::string::npos);
  EXPECT_NE(text.str().find("\nTag=two,1.000,2.000,0.000,HIST"), std::string::npos);
}

// The expected bytes of these two were made by HdrHistogram 2.1.11 (Java).
TEST_F(Hlog, EncodesAsHdrHistogramDoes) {
  Histogram histogram;
  for (const std::uint64_t value : {0ULL, 5ULL, 5ULL, 4096ULL, (1ULL << 48U) - 1, 1ULL << 48U}) {
    histogram.record(value);
  }
  EXPECT_EQ(encoding_of(histogram),
            (Bytes{0x1c, 0x84, 0x93, 0x13, 0,    0,    0,    0x0b, 0,    0,    0,    0,   0,
                   0,    0,    3,    0,    0,    0,    0,    0,    0,    0,    1,    0,   0x01,
                   0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x3f, 0xf0, 0,    0,    0,    0,   0,
                   0,    0x02, 0x07, 0x04, 0xf3, 0x2f, 0x02, 0xfb, 0xbf, 0x04, 0x02, 0x02}));
}

TEST_F(Hlog, EncodesNothingAsOneZero) {
  const Bytes encoding = encoding_of(Histogram{});
  ASSERT_EQ(encoding.size(), 41U);
  EXPECT_EQ(encoding[7], 1);
  EXPECT_EQ(encoding[40], 0);
}

TEST_F(Hlog, KeepsEveryBucket) {
  const Histogram histogram = full_histogram();
  EXPECT_EQ(histogram.buckets().size(), 39U * 1024U);
  expect_round_trip(histogram);
}

TEST_F(Hlog, KeepsGapsOfOneAndOfMany) {
  Histogram histogram;
  for (const std::uint64_t value : {1U, 3U, 6U, 7U, 100U, 5000U, 123'456'789U}) {
    histogram.record(value);
  }
  expect_round_trip(histogram);
}

TEST_F(Hlog, KeepsCountsOfEveryLength) {
  Histogram histogram = full_histogram();
  std::mt19937_64 random(7);
  for (int bits = 1; bits < 62; ++bits) {
    histogram.merge(histogram);
    histogram.record(random() >> 30U);
    if (bits % 7 >= 5) {
      expect_round_trip(histogram);
    }
  }
}

TEST_F(Hlog, ReportsADeviceWithoutRoom) {
  try {
    write_hlog(OutputFile("/dev/full"), {}, 0, 1);
    FAIL() << "nothing was thrown";
  } catch (const std::system_error& error) {
    EXPECT_STREQ(error.what(), "cannot write /dev/full: No space left on device");
  }
}

TEST_F(Hlog, ReportsAFolderThatIsNotThere) {
  EXPECT_THROW(write_hlog(OutputFile("/nowhere/run.hlog"), {}, 0, 1), std::system_error);
}

TEST(Adler32, GivesTheKnownSums) {
  EXPECT_EQ(adler32({}), 1U);
  EXPECT_EQ(adler32(bytes_of("a")), 0x00620062U);
  EXPECT_EQ(adler32(bytes_of("Wikipedia")), 0x11E60398U);
  EXPECT_EQ(adler32(Bytes(1'000'000, 0xFF)), 0x3843E1BEU);
}

// Section 10 of RFC 4648.
TEST(Base64, GivesTheVectorsOfItsRfc) {
  const std::vector<std::pair<std::string_view, std::string>> vectors{{"", ""},
                                                                      {"f", "Zg=="},
                                                                      {"fo", "Zm8="},
                                                                      {"foo", "Zm9v"},
                                                                      {"foob", "Zm9vYg=="},
                                                                      {"fooba", "Zm9vYmE="},
                                                                      {"foobar", "Zm9vYmFy"}};
  for (const auto& [content, text] : vectors) {
    EXPECT_EQ(base64(bytes_of(content)), text);
  }
  EXPECT_EQ(base64(Bytes{0xFB, 0xFF, 0xFE}), "+//+");
}

TEST(ZlibStream, StoresOneBlock) {
  EXPECT_EQ(zlib_stream(bytes_of("a")),
            (Bytes{0x78, 0x01, 0x01, 0x01, 0x00, 0xFE, 0xFF, 'a', 0x00, 0x62, 0x00, 0x62}));
}

TEST(ZlibStream, IsWholeAtEverySizeThatEndsABlock) {
  for (const std::size_t size : {0U, 1U, 65534U, 65535U, 65536U, 131070U, 131071U}) {
    Bytes content(size);
    for (std::size_t index = 0; index < size; ++index) {
      content[index] = static_cast<std::uint8_t>(index % 251);
    }
    EXPECT_EQ(inflated(zlib_stream(content)), content) << size;
  }
}

}  // namespace
}  // namespace pipelab::record
