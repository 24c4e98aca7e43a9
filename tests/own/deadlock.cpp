// Two threads that each wait for the other's lock.
#include <chrono>
#include <mutex>
#include <thread>

namespace {

std::mutex left, right;

[[gnu::noinline]] void take_both(std::mutex& first, std::mutex& second) {
  const std::lock_guard first_taken(first);
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  const std::lock_guard second_taken(second);
}

[[gnu::noinline]] void left_then_right(int turns) {
  for (int turn = 0; turn < turns; ++turn) take_both(left, right);
}

[[gnu::noinline]] void right_then_left(int turns) {
  for (int turn = 0; turn < turns; ++turn) take_both(right, left);
}

}  // namespace

int main(int count, char**) {
  std::thread other([count] { left_then_right(count); });
  right_then_left(count);
  other.join();
}
