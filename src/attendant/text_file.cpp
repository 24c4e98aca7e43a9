#include "attendant/text_file.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <system_error>

namespace pipelab::attendant {

std::string read_all(int descriptor, std::size_t most_bytes) {
  std::string text;
  std::array<char, 4096> part{};
  while (text.size() < most_bytes) {
    const ssize_t got =
        read(descriptor, part.data(), std::min(part.size(), most_bytes - text.size()));
    if (got <= 0) {
      break;
    }
    text.append(part.data(), static_cast<std::size_t>(got));
  }
  return text;
}

std::string content_of(const std::string& path, std::size_t most_bytes) {
  const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) {
    return {};
  }
  std::string text = read_all(file, most_bytes);
  close(file);
  return text;
}

void write_text(const std::string& path, std::string_view text) {
  const int file =
      open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0644);
  const bool good = file >= 0 && write_all(file, text);
  const int error = errno;
  if (file >= 0) {
    close(file);
  }
  if (!good) {
    throw std::system_error(error, std::generic_category(), path);
  }
}

bool write_all(int descriptor, std::string_view text) noexcept {
  while (!text.empty()) {
    const ssize_t written = write(descriptor, text.data(), text.size());
    if (written < 0 && errno != EINTR) {
      return false;
    }
    text.remove_prefix(static_cast<std::size_t>(std::max<ssize_t>(written, 0)));
  }
  return true;
}

void say(const std::string& line) noexcept {
  static_cast<void>(write_all(STDERR_FILENO, "attendant: "));
  static_cast<void>(write_all(STDERR_FILENO, line));
  static_cast<void>(write_all(STDERR_FILENO, "\n"));
}

std::string escaped(std::string_view text) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string shown;
  for (const char character : text) {
    if (character >= ' ' && character <= '~' && character != '\\') {
      shown += character;
    } else {
      const auto byte = static_cast<unsigned char>(character);
      shown += "\\x";
      shown += kDigits[byte / 16];
      shown += kDigits[byte % 16];
    }
  }
  return shown;
}

std::vector<std::string_view> fields_of(std::string_view text) {
  constexpr std::string_view kBlanks = " \t\n";
  std::vector<std::string_view> fields;
  std::size_t begin = 0;
  while ((begin = text.find_first_not_of(kBlanks, begin)) != std::string_view::npos) {
    const std::size_t end = std::min(text.find_first_of(kBlanks, begin), text.size());
    fields.push_back(text.substr(begin, end - begin));
    begin = end;
  }
  return fields;
}

std::optional<std::int64_t> number_of(std::string_view text) {
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc{} && end == text.data() + text.size() ? std::optional(number)
                                                                  : std::nullopt;
}

}  // namespace pipelab::attendant
