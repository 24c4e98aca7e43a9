#include "record/files.hpp"

#include <string>
#include <utility>

namespace pipelab::record {
namespace {

std::optional<OutputFile> begin(const std::string& path) {
  return path.empty() ? std::optional<OutputFile>{} : std::optional<OutputFile>{path};
}

bool is_pipe(const std::optional<OutputFile>& file) { return file && file->is_pipe(); }

}  // namespace

Files::Files(const Options& options)
    : samples_(begin(options.samples_path)),
      histogram_(begin(options.histogram_path)),
      stats_(begin(options.stats_path)) {}

bool Files::any_pipe() const { return is_pipe(samples_) || is_pipe(histogram_) || is_pipe(stats_); }

void Files::write(std::span<const Stat> stats) {
  if (stats_) {
    write_stats(*std::move(stats_), stats);
  }
}

}  // namespace pipelab::record
