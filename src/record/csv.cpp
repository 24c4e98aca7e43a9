#include "record/csv.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <cstdio>
#include <memory>
#include <system_error>

namespace pipelab::record {
namespace {

/// A file that is written through a buffer and that reports every failure.
class OutputFile {
 public:
  explicit OutputFile(const std::string& path) : path_(path), file_(std::fopen(path.c_str(), "w")) {
    if (!file_) {
      fail();
    }
  }

  void write(const fmt::memory_buffer& text) {
    if (std::fwrite(text.data(), 1, text.size(), file_.get()) != text.size()) {
      fail();
    }
  }

  /// Closes the file; only after this is it known to be whole.
  void close() {
    if (std::fclose(file_.release()) != 0) {
      fail();
    }
  }

 private:
  [[noreturn]] void fail() const {
    throw std::system_error(errno, std::generic_category(), "cannot write " + path_);
  }

  struct Closer {
    void operator()(std::FILE* file) const noexcept { static_cast<void>(std::fclose(file)); }
  };

  std::string path_;
  std::unique_ptr<std::FILE, Closer> file_;
};

/// Writes `header` and then what `append_row(row, text)` appends for each of `rows`.
template <class Rows, class AppendRow>
void write_csv(const std::string& path, std::string_view header, const Rows& rows,
               AppendRow append_row) {
  constexpr std::size_t kFlushBytes = std::size_t{64} * 1024;
  OutputFile file(path);
  fmt::memory_buffer text;
  text.append(header);
  text.push_back('\n');
  for (const auto& row : rows) {
    append_row(row, text);
    if (text.size() >= kFlushBytes) {
      file.write(text);
      text.clear();
    }
  }
  file.write(text);
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

void write_stats(const std::string& path, std::span<const Stat> stats) {
  write_csv(path, "key,value", stats, [](const Stat& stat, fmt::memory_buffer& text) {
    fmt::format_to(std::back_inserter(text), "{},{}\n", stat.first, stat.second);
  });
}

void write_latencies(const std::string& path, std::span<const ItemTimes> items,
                     platform::Nanoseconds begin_ns) {
  constexpr std::string_view kHeader =
      "item,intended_ns,lateness_ns,enqueue_ns,queue_latency_ns,service_ns,latency_ns,response_ns";
  std::size_t number = 0;
  write_csv(path, kHeader, items, [&](const ItemTimes& item, fmt::memory_buffer& text) {
    append_line(text, number++, item.intended_ns - begin_ns, item.lateness_ns(), item.enqueue_ns(),
                item.queue_latency_ns(), item.service_ns(), item.latency_ns(), item.response_ns());
  });
}

void write_histograms(const std::string& path, std::span<const NamedHistogram> histograms) {
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
  write_csv(path, "metric,lowest_ns,highest_ns,count", rows,
            [](const Row& row, fmt::memory_buffer& text) {
              text.append(row.metric);
              text.push_back(',');
              append_line(text, row.bucket.lowest, row.bucket.highest, row.bucket.count);
            });
}

}  // namespace pipelab::record
