#include "record/options.hpp"

#include <fmt/format.h>

#include <array>
#include <filesystem>
#include <map>
#include <optional>
#include <string_view>
#include <system_error>
#include <utility>

#include "record/output_file.hpp"

namespace pipelab::record {
namespace {

namespace fs = std::filesystem;

/// Where what is written to `path` will be, if that is or becomes a file.
std::optional<fs::path> file_at(const std::string& path) {
  constexpr int kMostLinks = 40;  // as many as Linux follows
  std::error_code error;
  const fs::file_status status = fs::status(path, error);
  if (path.empty() || (fs::exists(status) && !fs::is_regular_file(status))) {
    return std::nullopt;
  }
  fs::path file = fs::absolute(path, error);
  for (int link = 0; link < kMostLinks && fs::is_symlink(fs::symlink_status(file, error)); ++link) {
    file = file.parent_path() / fs::read_symlink(file, error);
  }
  const fs::path canonical = fs::weakly_canonical(file, error);
  return error ? file : canonical;
}

}  // namespace

void add_options(cli::Options& all, Options& options) {
  all.add_text("--emit-latencies", options.samples_path,
               "write the times of items one by one (CSV)");
  all.add_number<std::size_t>("--sample-every", options.sample_every, 1, 1'000'000'000,
                              "of so many items one is written");
  all.add_number<std::size_t>("--max-samples", options.max_samples, 0, 100'000'000,
                              "until there are so many");
  all.add_text("--emit-histogram", options.histogram_path,
               "write how many items had which latency and response time (CSV)");
  all.add_text("--stats", options.stats_path, "write the totals (key,value lines)");
}

std::string conflict(const Options& options) {
  const std::array<std::pair<std::string_view, const std::string&>, 3> outputs{
      {{"--emit-latencies", options.samples_path},
       {"--emit-histogram", options.histogram_path},
       {"--stats", options.stats_path}}};
  std::map<fs::path, std::string_view> written;
  for (const auto& [name, path] : outputs) {
    const std::optional<fs::path> file = file_at(path);
    if (!file) {
      continue;
    }
    for (const fs::path& each : {*file, OutputFile::partial_path(*file)}) {
      const auto [there, fresh] = written.try_emplace(each, name);
      if (!fresh) {
        return fmt::format("{}: '{}' is a file that {} writes, too: give another", name, path,
                           there->second);
      }
    }
  }
  return {};
}

}  // namespace pipelab::record
