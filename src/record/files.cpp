#include "record/files.hpp"

#include <algorithm>
#include <utility>

namespace pipelab::record {

Files::Files(const Options& options) {
  for (const File file : kFiles) {
    if (const std::string path = options.path(file); !path.empty()) {
      of(file).emplace(path);
    }
  }
}

bool Files::any_pipe() const {
  return std::ranges::any_of(files_, [](const auto& file) { return file && file->is_pipe(); });
}

void Files::write(std::span<const Stat> stats) {
  if (auto& file = of(File::kStats)) {
    write_stats(*std::move(file), stats);
  }
}

void Files::write(const Series& series, std::span<const std::uint64_t> offered) {
  if (auto& file = of(File::kSeries)) {
    write_series(*std::move(file), series, offered);
  }
}

void Files::write_threads(std::string_view header, std::span<const std::string> lines) {
  if (auto& file = of(File::kThreads)) {
    write_lines(*std::move(file), header, lines);
  }
}

}  // namespace pipelab::record
