#include "record/csv.hpp"

#include <fmt/format.h>

#include <string_view>
#include <utility>

#include "record/output_file.hpp"

namespace pipelab::record {
namespace {

/// Writes `header` and then what `append_row(row, text)` appends for each of `rows`.
template <class Rows, class AppendRow>
void write_csv(OutputFile file, std::string_view header, const Rows& rows, AppendRow append_row) {
  constexpr std::size_t kFlushBytes = std::size_t{64} * 1024;
  fmt::memory_buffer text;
  text.append(header);
  text.push_back('\n');
  for (const auto& row : rows) {
    append_row(row, text);
    if (text.size() >= kFlushBytes) {
      file.write({text.data(), text.size()});
      text.clear();
    }
  }
  file.write({text.data(), text.size()});
  file.close();
}

/// Appends the fields as one line. Integers are formatted without locale and without allocation.
template <class... Fields>
void append_line(fmt::memory_buffer& text, Fields... fields) {
  const auto append_field = [&text](auto field) {
    text.append(fmt::format_int(field));
    text.push_back(',');
  };
  (append_field(fields), ...);
  text.data()[text.size() - 1] = '\n';
}

}  // namespace

void write_stats(OutputFile file, std::span<const Stat> stats) {
  write_csv(std::move(file), "key,value", stats, [](const Stat& stat, fmt::memory_buffer& text) {
    fmt::format_to(std::back_inserter(text), "{},{}\n", stat.first, stat.second);
  });
}

void write_latencies(OutputFile file, std::span<const ItemTimes> items, std::size_t every,
                     platform::Nanoseconds begin_ns) {
  constexpr std::string_view kHeader =
      "item,intended_ns,lateness_ns,enqueue_ns,queue_latency_ns,service_ns,latency_ns,response_ns";
  std::size_t number = 0;
  write_csv(std::move(file), kHeader, items, [&](const ItemTimes& item, fmt::memory_buffer& text) {
    append_line(text, number, item.intended_ns - begin_ns, item.lateness_ns(), item.enqueue_ns(),
                item.queue_latency_ns(), item.service_ns(), item.latency_ns(), item.response_ns());
    number += every;
  });
}

void write_histograms(OutputFile file, std::span<const NamedHistogram> histograms) {
  struct Row {
    std::string_view metric;
    Histogram::Bucket bucket;
  };
  std::vector<Row> rows;
  for (const auto& [metric, histogram] : histograms) {
    for (const Histogram::Bucket& bucket : histogram.buckets()) {
      rows.push_back({metric, bucket});
    }
  }
  write_csv(std::move(file), "metric,lowest_ns,highest_ns,count", rows,
            [](const Row& row, fmt::memory_buffer& text) {
              text.append(row.metric);
              text.push_back(',');
              append_line(text, row.bucket.lowest, row.bucket.highest, row.bucket.count);
            });
}

}  // namespace pipelab::record
