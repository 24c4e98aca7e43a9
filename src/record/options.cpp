#include "record/options.hpp"

#include <fmt/format.h>

#include <array>
#include <filesystem>
#include <map>
#include <optional>
#include <string_view>
#include <system_error>

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

/// A file of a run as the command line names it, and as it is called in the folder of --out.
struct Named {
  std::string_view option;
  std::string_view name;
};

Named named(File file) {
  static constexpr std::array<Named, kFiles.size()> kNamed{{{"--emit-latencies", "samples.csv"},
                                                            {"--emit-histogram", "histogram.csv"},
                                                            {"--stats", "stats.csv"},
                                                            {"--threads", "threads.csv"},
                                                            {"--series", "series.csv"}}};
  return kNamed.at(static_cast<std::size_t>(file));
}

const std::string& given(const Options& options, File file) {
  return options.paths.at(static_cast<std::size_t>(file));
}

}  // namespace

std::string Options::path(File file) const {
  const std::string& own = given(*this, file);
  return own.empty() && !out.empty() ? (fs::path(out) / named(file).name).string() : own;
}

void add_options(cli::Options& all, Options& options) {
  const auto add = [&](File file, const char* help) {
    all.add_path(std::string(named(file).option), options.paths.at(static_cast<std::size_t>(file)),
                 help);
  };
  add(File::kSamples, "write the times of items one by one (CSV)");
  all.add_number<std::size_t>("--sample-every", options.sample_every, 1, 1'000'000'000,
                              "of so many items one is written");
  all.add_number<std::size_t>("--max-samples", options.max_samples, 0, 100'000'000,
                              "until there are so many");
  add(File::kHistogram, "write how many items had which latency and response time (CSV)");
  add(File::kStats, "write the totals (key,value lines)");
  add(File::kThreads, "write what became of each thread (CSV)");
  add(File::kSeries, "write what came in each interval of the run (CSV)");
  all.add_number<std::int64_t>("--series-ms", options.series_ms, 0, 3'600'000,
                               "what an interval lasts, or more where there would be more than "
                               "1000; 0: there are none",
                               {.unit = "ms", .means = "series"});
  all.add_folder("--out", options.out,
                 "write all of these: samples.csv, histogram.csv, stats.csv, threads.csv and "
                 "series.csv");
}

std::string conflict(const Options& options) {
  std::map<fs::path, std::string_view> written;
  for (const File file : kFiles) {
    const bool is_given = !given(options, file).empty();
    if (is_given && !options.out.empty()) {
      return fmt::format("{}: --out writes that as well: give only one of them",
                         named(file).option);
    }
    const std::string_view option = is_given ? named(file).option : "--out";
    const std::string path = options.path(file);
    const std::optional<fs::path> place = file_at(path);
    if (!place) {
      continue;
    }
    for (const fs::path& each : {*place, OutputFile::partial_path(*place)}) {
      const auto [there, fresh] = written.try_emplace(each, option);
      if (!fresh) {
        return fmt::format("{}: '{}' is a file that {} writes, too: give another", option, path,
                           there->second);
      }
    }
  }
  return {};
}

}  // namespace pipelab::record
