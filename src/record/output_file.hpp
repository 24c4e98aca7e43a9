#pragma once

#include <cstdio>
#include <filesystem>
#include <memory>
#include <string_view>

namespace pipelab::record {

/// A file that is written through a buffer and appears whole or not at all: until close() it has
/// another name. (A path that exists and is a link or a device, such as /dev/stdout, is written to
/// directly; a FIFO or a socket, which may have no reader, only if it is this program's own
/// output.) Every failure throws std::system_error, naming the path.
class OutputFile {
 public:
  /// The other name.
  static std::filesystem::path partial_path(std::filesystem::path path);

  /// Begins the file, so that a path that cannot be written is found now.
  explicit OutputFile(std::filesystem::path path);
  OutputFile(OutputFile&& other) noexcept = default;
  OutputFile& operator=(OutputFile&&) = delete;
  OutputFile(const OutputFile&) = delete;
  OutputFile& operator=(const OutputFile&) = delete;

  /// Removes what was begun and not closed.
  ~OutputFile();

  /// Whether it goes to a pipe, in which write() waits for the reader.
  bool is_pipe() const noexcept { return is_pipe_; }

  void write(std::string_view text);

  /// Hands what was written to the system, which keeps it, under the other name, when this program
  /// ends in any way.
  void flush();

  /// Ends the file and gives it its name.
  void close();

 private:
  [[noreturn]] void fail() const;

  struct Closer {
    void operator()(std::FILE* file) const noexcept { static_cast<void>(std::fclose(file)); }
  };

  std::filesystem::path path_;
  std::filesystem::path partial_path_;
  bool is_pipe_{false};
  std::unique_ptr<std::FILE, Closer> file_;
};

}  // namespace pipelab::record
