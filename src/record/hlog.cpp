#include "record/hlog.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <concepts>
#include <string_view>

#include "record/output_file.hpp"

namespace pipelab::record {
namespace {

using Bytes = std::vector<std::uint8_t>;

// What tells a reader the version: V2, and 0x10 for counts of variable length.
constexpr std::uint32_t kEncodingCookie = 0x1c849303U | 0x10U;
constexpr std::uint32_t kCompressedCookie = 0x1c849304U | 0x10U;

constexpr std::string_view kHeader =
    "#[Histogram log format version 1.3]\n"
    "#[StartTime: 0.000 (seconds since epoch), Thu Jan 01 00:00:00 UTC 1970]\n"
    "#[BaseTime: 0.000 (seconds since epoch)]\n"
    "\"StartTimestamp\",\"Interval_Length\",\"Interval_Max\",\"Interval_Compressed_Histogram\"\n";

void append(Bytes& bytes, std::span<const std::uint8_t> content) {
  bytes.insert(bytes.end(), content.begin(), content.end());
}

template <std::unsigned_integral Integer>
void append_big_endian(Bytes& bytes, Integer value) {
  for (std::size_t left = sizeof(Integer); left > 0; --left) {
    bytes.push_back(static_cast<std::uint8_t>(value >> (8 * (left - 1))));
  }
}

void append_little_endian(Bytes& bytes, std::uint16_t value) {
  bytes.push_back(static_cast<std::uint8_t>(value));
  bytes.push_back(static_cast<std::uint8_t>(value >> 8U));
}

/// Appends a word as LEB128, of which HdrHistogram has a variant that needs no tenth byte: the
/// ninth holds 8 bits ("LEB128-64b9B").
void append_leb128(Bytes& bytes, std::uint64_t word) {
  for (int byte = 1; byte < 9 && word > 0x7FU; ++byte) {
    bytes.push_back(static_cast<std::uint8_t>(word | 0x80U));
    word >>= 7U;
  }
  bytes.push_back(static_cast<std::uint8_t>(word));
}

/// The counts up to the last one that is not zero, and at least one. ZigZag, which folds signed
/// numbers into words, turns a count n into 2n, and n > 1 zeros in a row, which are written as the
/// number -n, into 2n - 1.
Bytes encode_counts(std::span<const std::uint64_t> counts) {
  while (counts.size() > 1 && counts.back() == 0) {
    counts = counts.first(counts.size() - 1);
  }
  Bytes bytes;
  while (!counts.empty()) {
    const auto filled =
        std::find_if(counts.begin(), counts.end(), [](std::uint64_t count) { return count > 0; });
    const auto zeros = static_cast<std::size_t>(filled - counts.begin());
    append_leb128(bytes, zeros > 1 ? 2 * zeros - 1 : 2 * counts.front());
    counts = counts.subspan(std::max<std::size_t>(zeros, 1));
  }
  return bytes;
}

/// HdrHistogram's V2 encoding, as its class AbstractHistogram writes it.
Bytes encode(const Histogram& histogram) {
  constexpr std::uint32_t kIndexOffset = 0;  // the counts are not shifted
  constexpr std::uint64_t kLowestDiscernible = 1;
  // A reader has buckets up to a power of 2: this one's hold the bucket of clipped values as well.
  constexpr std::uint64_t kHighestTrackable = 2 * Histogram::kMaxValue + 1;
  constexpr double kIntegerToDouble = 1.0;
  const Bytes counts = encode_counts(histogram.counts());
  Bytes bytes;
  append_big_endian(bytes, kEncodingCookie);
  append_big_endian(bytes, static_cast<std::uint32_t>(counts.size()));
  append_big_endian(bytes, kIndexOffset);
  append_big_endian(bytes, Histogram::kSignificantDigits);
  append_big_endian(bytes, kLowestDiscernible);
  append_big_endian(bytes, kHighestTrackable);
  append_big_endian(bytes, std::bit_cast<std::uint64_t>(kIntegerToDouble));
  append(bytes, counts);
  return bytes;
}

Bytes encode_compressed(const Histogram& histogram) {
  const Bytes stream = zlib_stream(encode(histogram));
  Bytes bytes;
  append_big_endian(bytes, kCompressedCookie);
  append_big_endian(bytes, static_cast<std::uint32_t>(stream.size()));
  append(bytes, stream);
  return bytes;
}

}  // namespace

void write_hlog(OutputFile file, std::span<const NamedHistogram> histograms, double start_s,
                double length_s) {
  constexpr double kNanosecondsPerMaxUnit = 1e6;  // the largest value is given in milliseconds
  file.write(kHeader);
  for (const auto& [metric, histogram] : histograms) {
    const double max = static_cast<double>(histogram.value_at(1.0)) / kNanosecondsPerMaxUnit;
    file.write(fmt::format("Tag={},{:.3f},{:.3f},{:.3f},{}\n", metric, start_s, length_s, max,
                           base64(encode_compressed(histogram))));
  }
  file.close();
}

std::uint32_t adler32(std::span<const std::uint8_t> content) noexcept {
  constexpr std::uint32_t kModulus = 65521;
  std::uint32_t sum = 1;
  std::uint32_t sum_of_sums = 0;
  for (const std::uint8_t byte : content) {
    sum = (sum + byte) % kModulus;
    sum_of_sums = (sum_of_sums + sum) % kModulus;
  }
  return (sum_of_sums << 16U) | sum;
}

std::vector<std::uint8_t> zlib_stream(std::span<const std::uint8_t> content) {
  constexpr std::size_t kMaxBlockBytes = 0xFFFF;
  Bytes stream{0x78, 0x01};  // deflate with a window of 32 KiB, by the fastest algorithm
  std::span<const std::uint8_t> rest = content;
  do {
    const auto block = rest.first(std::min(rest.size(), kMaxBlockBytes));
    rest = rest.subspan(block.size());
    stream.push_back(rest.empty() ? 1 : 0);  // stored, and whether it is the last block
    append_little_endian(stream, static_cast<std::uint16_t>(block.size()));
    append_little_endian(stream, static_cast<std::uint16_t>(~block.size()));
    append(stream, block);
  } while (!rest.empty());
  append_big_endian(stream, adler32(content));
  return stream;
}

std::string base64(std::span<const std::uint8_t> content) {
  constexpr std::string_view kAlphabet =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  while (!content.empty()) {
    std::array<std::uint8_t, 3> group{};
    const std::size_t size = std::min(content.size(), group.size());
    std::copy_n(content.begin(), size, group.begin());
    const std::uint32_t bits =
        (std::uint32_t{group[0]} << 16U) | (std::uint32_t{group[1]} << 8U) | group[2];
    for (std::size_t letter = 0; letter < 4; ++letter) {
      text.push_back(letter <= size ? kAlphabet[(bits >> (18 - 6 * letter)) & 0x3FU] : '=');
    }
    content = content.subspan(size);
  }
  return text;
}

}  // namespace pipelab::record
