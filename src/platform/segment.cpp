#include "platform/segment.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <new>
#include <stdexcept>
#include <system_error>

#include "platform/cpu.hpp"
#include "platform/system_call.hpp"

namespace pipelab::platform {
namespace {

void require(const char* what, std::uint64_t found, std::uint64_t expected) {
  if (found != expected) {
    throw std::runtime_error(
        fmt::format("the shared segment has {} {}, not {}: both sides must be of one build and of "
                    "the same options",
                    what, found, expected));
  }
}

void* map(int file, std::size_t bytes, void* address) {
  void* const mapped =
      mmap(address, bytes, PROT_READ | PROT_WRITE,
           MAP_SHARED | MAP_POPULATE | (address == nullptr ? 0 : MAP_FIXED), file, 0);
  if (mapped == MAP_FAILED) {
    throw std::system_error(errno, std::generic_category(), "map the shared segment");
  }
  return mapped;
}

}  // namespace

Segment::Segment(std::size_t bytes, std::uint32_t shape)
    : bytes_(bytes),
      shape_(shape),
      file_(checked(memfd_create("pipelab-shared", MFD_CLOEXEC | MFD_ALLOW_SEALING),
                    "make a shared segment")) {
  checked(ftruncate(file_, static_cast<off_t>(bytes)), "size the shared segment");
  // So that nobody can take pages away from under the other.
  checked(fcntl(file_, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW), "seal the shared segment");
  address_ = map(file_, bytes, nullptr);
  ::new (address_) Header{.shape = shape, .bytes = bytes};
}

Segment::~Segment() {
  munmap(address_, bytes_);
  close(file_);
}

void Segment::attach() {
  struct stat file {};
  checked(fstat(file_, &file), "look at the shared segment");
  Header header{.magic = 0, .version = 0};
  if (pread(file_, &header, sizeof header, 0) != static_cast<ssize_t>(sizeof header)) {
    throw std::runtime_error("the shared segment is cut short: it has no whole header");
  }
  require("magic", header.magic, Header::kMagic);
  require("version", header.version, Header::kVersion);
  require("size", header.bytes, bytes_);
  require("a file of size", static_cast<std::uint64_t>(file.st_size), bytes_);
  require("shape", header.shape, shape_);
  map(file_, bytes_, address_);
}

void* Segment::do_allocate(std::size_t bytes, std::size_t alignment) {
  alignment = std::max(alignment, kDestructiveInterference);
  const std::size_t begin = (used_ + alignment - 1) / alignment * alignment;
  if (begin + bytes > bytes_) {
    throw std::bad_alloc();
  }
  used_ = begin + bytes;
  return static_cast<std::byte*>(address_) + begin;
}

}  // namespace pipelab::platform
