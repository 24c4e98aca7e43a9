#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "platform/clock.hpp"

namespace pipelab::attendant {

/// What the attendant is to do. What was not given is empty.
struct Words {
  std::optional<platform::Nanoseconds> limit_ns;
  std::string root;      ///< of the program
  std::string complete;  ///< a file that is there when all others are
  std::string folder;    ///< as the program sees it
  std::vector<std::string> keep;
  std::int64_t keep_mb{256};
  bool mark{false};
  bool maps{false};
  bool calls{false};
  std::vector<std::string> command;
};

/// Reads `[--limit-ms N] [--root DIR] [--complete FILE] [--folder DIR] [--keep NAME]...
/// [--keep-mb N] [--mark] [--maps] [--calls] -- COMMAND [ARGUMENT...]`, each word ended by a NUL.
/// Throws std::runtime_error, naming the wrong word.
Words parse_words(std::string_view text);

}  // namespace pipelab::attendant
