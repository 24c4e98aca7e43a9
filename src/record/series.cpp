#include "record/series.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <utility>

#include "record/csv.hpp"

namespace pipelab::record {
namespace {

std::string text_of(std::optional<std::uint64_t> value) {
  return value ? fmt::to_string(*value) : "";
}

}  // namespace

void Series::add_failed(std::span<const std::uint64_t> failed) noexcept {
  for (std::size_t place = 0; place < failed.size() && !rows.empty(); ++place) {
    rows[std::min(place, rows.size() - 1)].failed += failed[place];
  }
}

std::vector<platform::Nanoseconds> Series::ends_ns() const {
  std::vector<platform::Nanoseconds> ends;
  ends.reserve(rows.size());
  for (const Row& row : rows) {
    ends.push_back(row.begin_ns + row.length_ns);
  }
  return ends;
}

void write_series(OutputFile file, const Series& series, std::span<const std::uint64_t> offered) {
  std::string header = "begin_ns,length_ns,offered,items,failed,backlog,rate_ops_s";
  for (const std::string_view metric : series.metrics) {
    header += fmt::format(",{0}_p50_ns,{0}_p99_ns", metric);
  }
  std::vector<std::string> lines;
  std::uint64_t before = 0;
  std::uint64_t settled = 0;
  for (std::size_t place = 0; place < series.rows.size(); ++place) {
    const Series::Row& row = series.rows[place];
    settled += row.items + row.failed;
    const bool is_known = place < offered.size();
    const std::uint64_t until = is_known ? offered[place] : 0;
    lines.push_back(
        fmt::format("{},{},{},{},{},{},{:.3f}", row.begin_ns, row.length_ns,
                    is_known ? fmt::to_string(until - before) : "", row.items, row.failed,
                    is_known ? fmt::to_string(until - std::min(until, settled)) : "",
                    static_cast<double>(row.items) / platform::to_seconds(row.length_ns)));
    for (const Series::Percentiles& times : row.metrics) {
      lines.back() += fmt::format(",{},{}", text_of(times.p50_ns), text_of(times.p99_ns));
    }
    before = until;
  }
  write_lines(std::move(file), header, lines);
}

}  // namespace pipelab::record
