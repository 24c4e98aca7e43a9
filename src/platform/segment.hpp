#pragma once

#include <cstddef>
#include <cstdint>
#include <memory_resource>

namespace pipelab::platform {

/// Memory that the processes of a run share (memfd_create(2)). One makes it, and takes pieces of it
/// for what both use, each alone on its lines, which are not given back; the other attaches it at
/// the same address, so that what is there may point at what else is there.
class Segment : public std::pmr::memory_resource {
 public:
  /// What it begins with. Who attaches it looks at all of this before anything else of it.
  struct Header {
    static constexpr std::uint64_t kMagic = 0x6b6e696c65706970;  // "pipelink", as bytes in memory
    static constexpr std::uint32_t kVersion = 2;

    std::uint64_t magic{kMagic};
    std::uint32_t version{kVersion};
    std::uint32_t shape{0};
    std::uint64_t bytes{0};  ///< of all the segment
  };

  /// `shape` is a number that both sides must agree on, beside size and version.
  Segment(std::size_t bytes, std::uint32_t shape);

  Segment(const Segment&) = delete;
  Segment& operator=(const Segment&) = delete;
  Segment(Segment&&) = delete;
  Segment& operator=(Segment&&) = delete;
  ~Segment() override;

  Header& header() const noexcept { return *static_cast<Header*>(address_); }

  /// The file that it is, for another program to map.
  int file() const noexcept { return file_; }

  /// How far from its begin what lies in it is.
  std::size_t offset_of(const void* piece) const noexcept {
    return static_cast<std::size_t>(static_cast<const std::byte*>(piece) -
                                    static_cast<const std::byte*>(address_));
  }

  /// What another process does with it: looks at its header, and maps it where it was. Throws
  /// std::runtime_error, in a line, when it is not what this program would have made.
  void attach();

 private:
  void* do_allocate(std::size_t bytes, std::size_t alignment) override;
  void do_deallocate(void* /*memory*/, std::size_t /*bytes*/, std::size_t /*alignment*/) override {}
  bool do_is_equal(const std::pmr::memory_resource& other) const noexcept override {
    return this == &other;
  }

  std::size_t bytes_;
  std::uint32_t shape_;
  int file_;
  void* address_{nullptr};
  std::size_t used_{sizeof(Header)};
};

}  // namespace pipelab::platform
