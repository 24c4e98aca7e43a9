// Serves requests that come at a rate, each of which takes some work, and prints how long each was
// in the house.
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <thread>
#include <vector>

int main(int, char** words) {
  using Clock = std::chrono::steady_clock;
  const double rate = std::atof(words[1]);
  const auto requests = static_cast<int>(rate * std::atof(words[2]));
  std::vector<std::chrono::nanoseconds> responses;
  const Clock::time_point begin = Clock::now();
  for (int request = 0; request < requests; ++request) {
    const auto due = begin + std::chrono::nanoseconds(static_cast<long>(request / rate * 1e9));
    std::this_thread::sleep_until(due);
    for (int work = 0; work < 10000; ++work) asm volatile("");
    responses.push_back(Clock::now() - due);
  }
  for (const auto response : responses) std::printf("response %.3f us\n", response.count() / 1e3);
}
