#pragma once

#include <cerrno>
#include <system_error>

namespace pipelab::platform {

/// The result of a system call. Throws std::system_error, which says that the kernel refused to do
/// `what`, where that is negative.
template <class Result>
Result checked(Result result, const char* what) {
  if (result < 0) {
    throw std::system_error(errno, std::generic_category(), what);
  }
  return result;
}

}  // namespace pipelab::platform
