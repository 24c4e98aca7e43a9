// Two threads hand a token to and fro in loops that spin without a hint, for 0.3 s: prints the
// round trips a second.
#include <atomic>
#include <chrono>
#include <cstdio>
#include <thread>

int main() {
  std::atomic<int> turn{0};
  std::atomic<bool> is_over{false};
  const auto wait_for = [&](int mine) {
    while (turn.load(std::memory_order_acquire) != mine &&
           !is_over.load(std::memory_order_relaxed)) {
    }
  };
  std::thread other([&] {
    while (!is_over.load(std::memory_order_relaxed)) {
      wait_for(1);
      turn.store(0, std::memory_order_release);
    }
  });
  using Clock = std::chrono::steady_clock;
  constexpr auto kTime = std::chrono::milliseconds(300);
  const auto begin = Clock::now();
  int trips = 0;
  for (; Clock::now() - begin < kTime; ++trips) {
    turn.store(1, std::memory_order_release);
    wait_for(0);
  }
  is_over = true;
  other.join();
  std::printf("%.0f\n", trips / 0.3);
}
