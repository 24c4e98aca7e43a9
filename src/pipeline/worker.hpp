#pragma once

#include <condition_variable>
#include <exception>
#include <functional>
#include <future>
#include <mutex>
#include <optional>
#include <stop_token>
#include <thread>
#include <utility>

#include "pipeline/options.hpp"
#include "platform/cpu.hpp"
#include "platform/scheduling.hpp"
#include "platform/thread_counters.hpp"

namespace pipelab::pipeline {

/// Holds threads back until all of them are ready.
class StartGate {
 public:
  /// Lets all threads through, now and later.
  void open() {
    const std::lock_guard lock(mutex_);
    open_ = true;
    opened_.notify_all();
  }

  /// Waits until the gate is open; false when `gone` is requested before that.
  bool pass(const std::stop_token& gone) {
    std::unique_lock lock(mutex_);
    return opened_.wait(lock, gone, [this] { return open_; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable_any opened_;
  bool open_{false};
};

/// A thread of the pipeline: it sets itself up, waits at the gate, and does its part. One that is
/// destroyed while it waits at the gate goes home.
class Worker {
 public:
  /// `cpu` is where to run; `body` what to do.
  Worker(const Options& options, std::optional<int> cpu, StartGate& gate,
         std::function<void()> body)
      : thread_([this, options, cpu, &gate, body = std::move(body)](const std::stop_token& gone) {
          try {
            set_up(options, cpu);
            ready_.set_value(platform::this_thread_id());
          } catch (...) {
            ready_.set_exception(std::current_exception());
            return;
          }
          if (gate.pass(gone)) {
            body();
            counters_ = platform::read_thread_counters(platform::this_thread_id());
          }
        }) {}

  /// Waits until the thread is set up, and returns its number. Throws std::system_error when the
  /// kernel refused what `options` want for it.
  pid_t wait_until_ready() { return ready_.get_future().get(); }

  /// Waits for the end of its part.
  void join() { thread_.join(); }

  /// What the kernel counted for it until its end. Call it after join().
  const platform::ThreadCounters& counters() const noexcept { return counters_; }

 private:
  static void set_up(const Options& options, std::optional<int> cpu) {
    if (cpu) {
      platform::pin_this_thread(*cpu);
    }
    if (options.timer_slack_ns) {
      platform::set_timer_slack(*options.timer_slack_ns);
    }
    if (options.scheduling.klass != platform::Scheduling::Class::kOther) {
      platform::schedule_this_thread(options.scheduling);
    }
  }

  std::promise<pid_t> ready_;
  platform::ThreadCounters counters_;
  std::jthread thread_;  // last: it starts when all else is there
};

}  // namespace pipelab::pipeline
