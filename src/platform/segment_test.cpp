#include "platform/segment.hpp"

#include <gtest/gtest.h>

#include <new>
#include <stdexcept>
#include <string>

namespace pipelab::platform {
namespace {

constexpr std::size_t kBytes = 1U << 16U;

/// What attach() complains of.
std::string complaint_of(Segment& segment) {
  try {
    segment.attach();
  } catch (const std::runtime_error& error) {
    return error.what();
  }
  return "";
}

TEST(Segment, KeepsWhatItHasWhenItIsAttachedAnew) {
  Segment segment(kBytes, 7);
  int& first = *std::pmr::polymorphic_allocator<>(&segment).new_object<int>(1);
  int& second = *std::pmr::polymorphic_allocator<>(&segment).new_object<int>(2);
  EXPECT_GE(&second - &first, 128 / static_cast<std::ptrdiff_t>(sizeof(int)));
  EXPECT_EQ(complaint_of(segment), "");
  EXPECT_EQ(first, 1);
  EXPECT_EQ(second, 2);
  EXPECT_THROW(static_cast<void>(segment.allocate(kBytes)), std::bad_alloc);
}

TEST(Segment, RefusesWhatIsNotItsOwn) {
  const std::string remedy = ": both sides must be of one build and of the same options";
  {
    Segment segment(kBytes, 7);
    segment.header().magic = 5;
    EXPECT_EQ(complaint_of(segment),
              "the shared segment has magic 5, not 7741240723775711600" + remedy);
  }
  {
    Segment segment(kBytes, 7);
    segment.header().version = 3;
    EXPECT_EQ(complaint_of(segment), "the shared segment has version 3, not 2" + remedy);
  }
  {
    Segment segment(kBytes, 7);
    segment.header().bytes = 4096;
    EXPECT_EQ(complaint_of(segment), "the shared segment has size 4096, not 65536" + remedy);
  }
  {
    Segment segment(kBytes, 7);
    segment.header().shape = 8;
    EXPECT_EQ(complaint_of(segment), "the shared segment has shape 8, not 7" + remedy);
  }
}

}  // namespace
}  // namespace pipelab::platform
