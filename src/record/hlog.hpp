#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "record/histogram.hpp"
#include "record/output_file.hpp"

namespace pipelab::record {

/// Writes `histograms` as a log for HdrHistogram's tools (format 1.3, which its Java class
/// HistogramLogWriter defines): one interval each, tagged with its metric (no commas or white
/// space), from `start_s` on for `length_s`, both in seconds. The log starts at time 0. Throws
/// std::system_error, naming its path, when the file cannot be written whole.
void write_hlog(OutputFile file, std::span<const NamedHistogram> histograms, double start_s,
                double length_s);

/// The checksum of RFC 1950, section 8.2.
std::uint32_t adler32(std::span<const std::uint8_t> content) noexcept;

/// `content` as a zlib stream (RFC 1950) of stored blocks (RFC 1951, section 3.2.4), which any zlib
/// inflates; nothing is compressed, so that guests need no zlib of their own.
std::vector<std::uint8_t> zlib_stream(std::span<const std::uint8_t> content);

/// `content` in the alphabet of RFC 4648, section 4, padded.
std::string base64(std::span<const std::uint8_t> content);

}  // namespace pipelab::record
