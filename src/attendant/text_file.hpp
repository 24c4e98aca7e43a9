#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace pipelab::attendant {

/// What can be read of `descriptor`, up to `most_bytes`.
std::string read_all(int descriptor, std::size_t most_bytes);

/// What is in the file at `path`, up to `most_bytes`; empty when it cannot be read.
std::string content_of(const std::string& path, std::size_t most_bytes = std::size_t{1} << 20);

/// Writes a new file, or over an old one, but through no link. Throws std::system_error, naming the
/// path.
void write_text(const std::string& path, std::string_view text);

/// Writes all of `text`; false, with errno, when it cannot be.
bool write_all(int descriptor, std::string_view text) noexcept;

/// One line of the attendant on stderr.
void say(const std::string& line) noexcept;

/// `text` with what is no printable ASCII, and backslashes, as \xNN.
std::string escaped(std::string_view text);

/// The words of `text`, which blanks and line ends part.
std::vector<std::string_view> fields_of(std::string_view text);

/// The whole number that all of `text` is.
std::optional<std::int64_t> number_of(std::string_view text);

}  // namespace pipelab::attendant
