#include "record/output_file.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <system_error>
#include <utility>

namespace pipelab::record {

namespace fs = std::filesystem;

namespace {

/// Whether to open `path` for writing may take for ever: a FIFO or a socket that is not just what
/// this program's own output goes to.
bool may_block(const fs::path& path) {
  struct stat there {};
  if (::stat(path.c_str(), &there) != 0 || !(S_ISFIFO(there.st_mode) || S_ISSOCK(there.st_mode))) {
    return false;
  }
  const auto is_own = [&there](int descriptor) {
    struct stat own {};
    return fstat(descriptor, &own) == 0 && own.st_dev == there.st_dev && own.st_ino == there.st_ino;
  };
  return !is_own(STDOUT_FILENO) && !is_own(STDERR_FILENO);
}

}  // namespace

fs::path OutputFile::partial_path(fs::path path) { return path += ".partial"; }

OutputFile::OutputFile(fs::path path) : path_(std::move(path)), partial_path_(path_) {
  if (may_block(path_)) {
    throw std::system_error(ENOTSUP, std::generic_category(),
                            "cannot write " + path_.string() + ", a FIFO or a socket");
  }
  const fs::file_status status = fs::symlink_status(path_);
  if (!fs::exists(status) || fs::is_regular_file(status)) {
    partial_path_ = partial_path(path_);
  }
  file_.reset(std::fopen(partial_path_.c_str(), "w"));
  if (!file_) {
    fail();
  }
}

OutputFile::~OutputFile() {
  if (file_ && partial_path_ != path_) {
    static_cast<void>(std::remove(partial_path_.c_str()));
  }
}

void OutputFile::write(std::string_view text) {
  if (std::fwrite(text.data(), 1, text.size(), file_.get()) != text.size()) {
    fail();
  }
}

void OutputFile::flush() {
  if (std::fflush(file_.get()) != 0) {
    fail();
  }
}

void OutputFile::close() {
  if (std::fclose(file_.release()) != 0 ||
      (partial_path_ != path_ && std::rename(partial_path_.c_str(), path_.c_str()) != 0)) {
    fail();
  }
}

void OutputFile::fail() const {
  throw std::system_error(errno, std::generic_category(), "cannot write " + path_.string());
}

}  // namespace pipelab::record
