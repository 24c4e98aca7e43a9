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

/// Whether this program's own output goes there.
bool is_own(const struct stat& there) {
  struct stat own {};
  for (const int descriptor : {STDOUT_FILENO, STDERR_FILENO}) {
    if (fstat(descriptor, &own) == 0 && own.st_dev == there.st_dev && own.st_ino == there.st_ino) {
      return true;
    }
  }
  return false;
}

}  // namespace

fs::path OutputFile::partial_path(fs::path path) { return path += ".partial"; }

OutputFile::OutputFile(fs::path path) : path_(std::move(path)), partial_path_(path_) {
  struct stat there {};
  is_pipe_ =
      ::stat(path_.c_str(), &there) == 0 && (S_ISFIFO(there.st_mode) || S_ISSOCK(there.st_mode));
  if (is_pipe_ && !is_own(there)) {
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
  if (std::fflush(file_.get()) != 0) {
    fail();  // and what there is of it goes
  }
  const bool is_whole = std::fclose(file_.release()) == 0;
  if (partial_path_ != path_ &&
      (!is_whole || std::rename(partial_path_.c_str(), path_.c_str()) != 0)) {
    const int error = errno;
    static_cast<void>(std::remove(partial_path_.c_str()));
    errno = error;
    fail();
  }
  if (!is_whole) {
    fail();
  }
}

void OutputFile::fail() const {
  throw std::system_error(errno, std::generic_category(), "cannot write " + path_.string());
}

}  // namespace pipelab::record
