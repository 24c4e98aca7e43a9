#include "record/output_file.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <system_error>
#include <utility>

namespace pipelab::record {

namespace fs = std::filesystem;

namespace {

constexpr mode_t kMode = 0666;  // of a file that is made, but for the user's mask

bool is_same(const struct stat& one, const struct stat& other) {
  return one.st_dev == other.st_dev && one.st_ino == other.st_ino;
}

/// The file of this program's own output, where that goes there; -1 where it does not.
int own_file(const struct stat& there) {
  struct stat own {};
  for (const int descriptor : {STDOUT_FILENO, STDERR_FILENO}) {
    if (fstat(descriptor, &own) == 0 && is_same(own, there)) {
      return descriptor;
    }
  }
  return -1;
}

/// Opens an empty file that no other process writes meanwhile; -1, with errno, where that cannot
/// be. Whoever writes it has it locked until it has its name.
int open_alone(const fs::path& path) {
  while (true) {
    const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, kMode);
    if (file < 0) {
      return -1;
    }
    struct stat opened {};
    struct stat there {};
    const bool is_locked = flock(file, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK;
    if (is_locked && fstat(file, &opened) == 0 && ::stat(path.c_str(), &there) == 0 &&
        is_same(opened, there) && ftruncate(file, 0) == 0) {
      return file;
    }
    ::close(file);
    if (!is_locked) {
      errno = EBUSY;
      return -1;
    }
  }
}

}  // namespace

fs::path OutputFile::partial_path(fs::path path) { return path += ".partial"; }

OutputFile::OutputFile(fs::path path) : path_(std::move(path)), partial_path_(path_) {
  struct stat there {};
  const bool exists = ::stat(path_.c_str(), &there) == 0;
  is_pipe_ = exists && (S_ISFIFO(there.st_mode) || S_ISSOCK(there.st_mode));
  const int own = exists ? own_file(there) : -1;
  if (is_pipe_ && own < 0) {
    throw std::system_error(ENOTSUP, std::generic_category(),
                            "cannot write " + path_.string() + ", a FIFO or a socket");
  }
  const fs::file_status status = fs::symlink_status(path_);
  int file = -1;
  if (own >= 0) {
    file = fcntl(own, F_DUPFD_CLOEXEC, 0);  // what is printed follows it, and not over it
  } else if (!fs::exists(status) || fs::is_regular_file(status)) {
    partial_path_ = partial_path(path_);
    file = open_alone(partial_path_);
  } else {
    file = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, kMode);
  }
  if (file < 0) {
    fail();
  }
  file_.reset(fdopen(file, "w"));
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
  // While it is still locked.
  if (partial_path_ != path_ && std::rename(partial_path_.c_str(), path_.c_str()) != 0) {
    fail();
  }
  if (std::fclose(file_.release()) != 0) {
    const int error = errno;
    if (partial_path_ != path_) {
      static_cast<void>(std::remove(path_.c_str()));
    }
    errno = error;
    fail();
  }
}

void OutputFile::fail() const {
  throw std::system_error(errno, std::generic_category(), "cannot write " + path_.string());
}

}  // namespace pipelab::record
