#include "record/csv.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <utility>
#include <vector>

namespace pipelab::record {
namespace {

/// A CSV file, written in pieces.
class Csv {
 public:
  Csv(OutputFile file, std::string_view header) : file_(std::move(file)) {
    text_.append(header);
    text_.push_back('\n');
  }

  void add(std::string_view field, char end) {
    text_.append(field);
    text_.push_back(end);
    constexpr std::size_t kFlushBytes = std::size_t{64} * 1024;
    if (end == '\n' && text_.size() >= kFlushBytes) {
      flush();
    }
  }

  /// Formatted without locale and without allocation.
  template <std::integral Number>
  void add(Number number, char end) {
    const fmt::format_int text(number);
    add(std::string_view(text.data(), text.size()), end);
  }

  void close() {
    flush();
    file_.close();
  }

 private:
  void flush() {
    file_.write({text_.data(), text_.size()});
    text_.clear();
  }

  OutputFile file_;
  fmt::memory_buffer text_;
};

}  // namespace

void write_stats(OutputFile file, std::span<const Stat> stats) {
  Csv csv(std::move(file), "key,value");
  for (const auto& [key, value] : stats) {
    csv.add(key, ',');
    csv.add(value, '\n');
  }
  csv.close();
}

void write_lines(OutputFile file, std::string_view header, std::span<const std::string> lines) {
  Csv csv(std::move(file), header);
  for (const std::string& line : lines) {
    csv.add(line, '\n');
  }
  csv.close();
}

void write_histograms(OutputFile file, std::span<const NamedHistogram> histograms) {
  Csv csv(std::move(file), "metric,lowest_ns,highest_ns,count");
  for (const auto& [metric, histogram] : histograms) {
    for (const Histogram::Bucket& bucket : histogram.buckets()) {
      csv.add(metric, ',');
      csv.add(bucket.lowest, ',');
      csv.add(bucket.highest, ',');
      csv.add(bucket.count, '\n');
    }
  }
  csv.close();
}

void write_numbers(
    OutputFile file, std::span<const std::string> columns, std::size_t rows,
    const std::function<void(std::size_t row, std::span<std::int64_t> fields)>& fill) {
  Csv csv(std::move(file), fmt::format("{}", fmt::join(columns, ",")));
  std::vector<std::int64_t> fields(columns.size());
  for (std::size_t row = 0; row < rows; ++row) {
    fill(row, fields);
    for (std::size_t field = 0; field < fields.size(); ++field) {
      csv.add(fields[field], field + 1 == fields.size() ? '\n' : ',');
    }
  }
  csv.close();
}

}  // namespace pipelab::record
