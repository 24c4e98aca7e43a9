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

void Files::write(File file, std::string_view header, std::span<const std::string> lines) {
  if (auto& wanted = of(file)) {
    write_lines(*std::move(wanted), header, lines);
  }
}

}  // namespace pipelab::record
