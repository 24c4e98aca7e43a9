// One thread, or two with an odd seed, hand tasks to one that sleeps in threads::Waker, each when
// its last one is done. Prints how many were done and how often it slept, and ends with 1 when a
// wake-up was lost: then nobody does anything any more.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <latch>
#include <random>
#include <thread>
#include <vector>

#include "threads/waker.hpp"

namespace {

std::atomic<std::uint64_t> submitted{0};
std::atomic<std::uint64_t> done{0};
std::atomic<bool> over{false};

void submit(pipelab::threads::Waker& waker, unsigned seed) {
  std::minstd_rand random(seed);
  while (!over) {
    for (unsigned left = random() % 200; left > 0; --left) {
      asm volatile("");
    }
    const std::uint64_t mine = submitted.fetch_add(1, std::memory_order_release) + 1;
    waker.wake();
    while (done.load(std::memory_order_acquire) < mine && !over) {
      std::this_thread::yield();
    }
  }
}

void run(pipelab::threads::Waker& waker, std::latch& ended) {
  while (!over) {
    std::uint64_t count = done.load(std::memory_order_relaxed);
    const std::uint64_t wanted = submitted.load(std::memory_order_acquire);
    if (count < wanted) {
      done.store(wanted, std::memory_order_release);
    } else {
      waker.sleep([&] { return submitted.load(std::memory_order_acquire) != count || over; });
    }
  }
  ended.count_down();
}

[[noreturn]] void say_lost(std::uint64_t tasks) {
  std::printf("lost a wake-up after %llu tasks\n", static_cast<unsigned long long>(tasks));
  std::fflush(stdout);
  std::_Exit(1);
}

}  // namespace

int main(int count, char** words) {
  using namespace std::chrono_literals;
  const auto seed = static_cast<unsigned>(count > 1 ? std::atoi(words[1]) : 1);
  const auto time = std::chrono::milliseconds(count > 2 ? std::atoi(words[2]) : 300);
  pipelab::threads::Waker waker(pipelab::threads::WakeBy::kFutex);
  std::latch ended(1);
  std::thread loop(run, std::ref(waker), std::ref(ended));
  std::vector<std::thread> producers;
  for (unsigned which = 0; which <= seed % 2; ++which) {
    producers.emplace_back(submit, std::ref(waker), 2 * seed + which);
  }
  const auto end = std::chrono::steady_clock::now() + time;
  while (std::chrono::steady_clock::now() < end) {
    const std::uint64_t before = done;
    std::this_thread::sleep_for(std::min<std::chrono::nanoseconds>(100ms, time));
    if (before == done) {
      say_lost(before);
    }
  }
  over = true;
  waker.wake();
  std::this_thread::sleep_for(100ms);
  if (!ended.try_wait()) {  // the last one, which nothing comes after
    say_lost(done);
  }
  for (std::thread& producer : producers) {
    producer.join();
  }
  loop.join();
  std::printf("%llu tasks, %llu sleeps\n", static_cast<unsigned long long>(done.load()),
              static_cast<unsigned long long>(waker.sleeps()));
}
