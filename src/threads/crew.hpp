#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "platform/clock.hpp"
#include "threads/options.hpp"
#include "threads/record.hpp"

namespace pipelab::threads {

/// Holds threads back until all of them are ready.
class StartGate {
 public:
  /// Lets all threads through, now and later.
  void open();

  /// Waits until the gate is open; false when `gone` is requested before that.
  bool pass(const std::stop_token& gone);

 private:
  std::mutex mutex_;
  std::condition_variable_any opened_;
  bool open_{false};
};

/// What a thread is for, where it runs, and how it is scheduled.
struct Post {
  std::string name;          ///< as the kernel has it, of at most 15 characters; no other thread's
  std::string role;          ///< of which there may be many
  std::optional<int> cpu{};  ///< none: the kernel chooses
  std::optional<platform::Scheduling> scheduling{};  ///< none: as the options say for all
};

/// The threads of a run, which start together. Each goes to its CPU and begins its body, which
/// makes all that it needs, there, and says that it is ready by calling what it is given; with true
/// as the answer it does its part, with false it goes home. The measured part of a run is marked
/// for the simulated counters, once: from the quiet moment before it until the last body has ended.
///
/// Threads end in the reverse order of theirs: add a thread that takes before those that give.
class Crew {
 public:
  using Ready = std::function<bool()>;
  using Body = std::function<void(const Ready&)>;

  /// `stop` is set when a body throws after the start. Locks the memory, where that is asked for.
  Crew(const Options& options, std::atomic<bool>& stop);
  Crew(const Crew&) = delete;
  Crew& operator=(const Crew&) = delete;
  Crew(Crew&&) = delete;
  Crew& operator=(Crew&&) = delete;

  /// Sends home those that wait for the start, and waits for the others.
  ~Crew();

  /// Begins a thread. `ended` is called, by whoever waits for the thread, when it is gone.
  void add(Post post, Body body, std::function<void()> ended = {});

  /// Waits until all threads are ready. Throws what one threw before: bad_alloc, or
  /// std::system_error when the kernel refused what was wanted for it.
  void wait_until_ready();

  /// Starts all threads, and reads their counters at `quiet_ns`, when they sleep between the
  /// warm-up and the measured part. Those of a thread that it comes to only after `begin_ns`, when
  /// the measured part begins, are absent in the end.
  void start(platform::Nanoseconds quiet_ns, platform::Nanoseconds begin_ns);

  /// Waits for the end of all threads, and throws what the first of them threw. Returns their
  /// records in the order in which they ended.
  std::vector<Record> join();

 private:
  class Worker;

  Options options_;
  std::atomic<bool>& stop_;
  StartGate gate_;
  std::atomic<std::size_t> measuring_{0};         ///< threads whose measured part has not ended
  std::vector<std::unique_ptr<Worker>> workers_;  ///< in the order in which they end
};

}  // namespace pipelab::threads
