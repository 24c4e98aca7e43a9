#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory_resource>

#include "load/phases.hpp"

namespace pipelab::exchange {

/// What a segment begins with. Who attaches it looks at all of this before anything else of it.
struct Header {
  static constexpr std::uint64_t kMagic = 0x6b6e696c65706970;  // "pipelink", as bytes in memory
  static constexpr std::uint32_t kVersion = 1;

  std::uint64_t magic{kMagic};
  std::uint32_t version{kVersion};
  std::uint32_t payload_words{0};
  std::uint64_t bytes{0};         ///< of all the segment
  load::Phases phases{};          ///< of the run, there before it starts
  std::atomic<bool> slow{false};  ///< the responder that sees it takes its time, once
};

/// Memory that the processes of an exchange share (memfd_create(2)). One makes it, and takes pieces
/// of it for what both use, each alone on its lines, which are not given back; the other attaches
/// it at the same address, so that what is there may point at what else is there.
class Segment : public std::pmr::memory_resource {
 public:
  Segment(std::size_t bytes, std::uint32_t payload_words);

  Segment(const Segment&) = delete;
  Segment& operator=(const Segment&) = delete;
  Segment(Segment&&) = delete;
  Segment& operator=(Segment&&) = delete;
  ~Segment() override;

  Header& header() const noexcept { return *static_cast<Header*>(address_); }

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
  std::uint32_t payload_words_;
  int file_;
  void* address_{nullptr};
  std::size_t used_{sizeof(Header)};
};

}  // namespace pipelab::exchange
