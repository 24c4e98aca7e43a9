// Threads add numbers to one sum, and take a lock for each of them.
// usage: counter_lock THREADS NUMBERS
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <thread>
#include <vector>

int main(int count, char** words) {
  if (count != 3) {
    std::fprintf(stderr, "usage: %s THREADS NUMBERS\n", words[0]);
    return 2;
  }
  const long threads = std::strtol(words[1], nullptr, 10);
  const long numbers = std::strtol(words[2], nullptr, 10);
  std::mutex lock;
  std::uint64_t sum = 0;
  const auto begin = std::chrono::steady_clock::now();
  std::vector<std::thread> workers;
  for (long worker = 0; worker < threads; ++worker) {
    workers.emplace_back([&, worker] {
      for (long number = worker; number < numbers; number += threads) {
        const std::lock_guard held{lock};
        sum += static_cast<std::uint64_t>(number);
      }
    });
  }
  for (std::thread& worker : workers) worker.join();
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
  std::printf("sum %llu\ntime %.9f s\n", static_cast<unsigned long long>(sum), took.count());
}
