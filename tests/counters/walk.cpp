// Reads one word of each cache line of 256 KB, 4 times over: each pass misses the L1 (32 KB) on
// every line, and only the first one misses the L2 (1 MB). Also more often, for a comparison with
// perf stat.

#include <cstring>

#include "known.hpp"

namespace {

constexpr std::uint64_t kLines = 4096;
alignas(kLineBytes) char walked[kLines * kLineBytes];  // NOLINT: named by its symbol

/// Four instructions for each line, one of them a load, and two for each pass.
template <unsigned kRegion>
void walk_passes(std::uint64_t passes) {
  std::memset(walked, 1, sizeof walked);
  pipelab::platform::begin_region<kRegion>();
  for (; passes > 0; --passes) {
    const char* place = walked;
    std::uint64_t left = kLines;
    std::uint64_t word = 0;
    asm volatile(
        "1: ldr %2, [%0]\n"
        "add %0, %0, #64\n"
        "subs %1, %1, #1\n"
        "b.ne 1b\n"
        : "+r"(place), "+r"(left), "=&r"(word)
        :
        : "memory", "cc");
  }
  pipelab::platform::end_region<kRegion>();
}

}  // namespace

void walk() { walk_passes<kStridedWalk>(4); }

void walk_often(bool longer) {
  if (longer) {
    walk_passes<kLongWalk>(10010);
  } else {
    walk_passes<kShortWalk>(10);
  }
}
