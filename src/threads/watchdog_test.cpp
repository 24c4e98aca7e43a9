#include "threads/watchdog.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

namespace pipelab::threads {
namespace {

constexpr platform::Nanoseconds kLimitNs = 20'000'000;

/// How often it is found that a run of 40 looks stalls whose look number i sees `seen(i)`.
template <class Seen>
int stalls(Seen seen) {
  std::atomic<int> looks{0};
  std::atomic<int> found{0};
  {
    const Watchdog dog(
        kLimitNs, [&] { return seen(++looks); }, [&] { ++found; });
    while (looks < 40 && found == 0) {
      std::this_thread::yield();
    }
  }
  return found;
}

TEST(Watchdog, FindsThatNothingGoesOn) {
  EXPECT_EQ(stalls([](int look) { return std::optional<std::uint64_t>(look < 5 ? look : 5); }), 1);
}

TEST(Watchdog, LeavesAloneWhoGoesOnOrHasNothingToDo) {
  EXPECT_EQ(stalls([](int look) { return std::optional<std::uint64_t>(look / 9); }), 0);
  EXPECT_EQ(stalls([](int look) {
              return look % 9 == 0 ? std::nullopt : std::optional<std::uint64_t>(7);
            }),
            0);
}

}  // namespace
}  // namespace pipelab::threads
