#include "record/output_file.hpp"

#include <cerrno>
#include <filesystem>
#include <system_error>
#include <utility>

namespace pipelab::record {

OutputFile::OutputFile(std::string path) : path_(std::move(path)), partial_path_(path_) {
  const std::filesystem::file_status status = std::filesystem::symlink_status(path_);
  if (!std::filesystem::exists(status) || std::filesystem::is_regular_file(status)) {
    partial_path_ += ".partial";
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
  throw std::system_error(errno, std::generic_category(), "cannot write " + path_);
}

}  // namespace pipelab::record
