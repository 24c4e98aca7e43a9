#pragma once

#include <atomic>
#include <condition_variable>
#include <exception>
#include <functional>
#include <future>
#include <mutex>
#include <optional>
#include <stop_token>
#include <thread>
#include <utility>

#include "platform/cpu.hpp"
#include "platform/scheduling.hpp"
#include "platform/thread_counters.hpp"
#include "workloads/pipeline/options.hpp"

namespace pipelab::threads {

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

/// A thread of the pipeline. It goes to its CPU and begins `body`, which makes all that it needs,
/// there, says that it is ready by calling what it is given, and with true as the answer does its
/// part. One that is destroyed while it waits at the gate gets false, and goes home.
class Worker {
 public:
  using Ready = std::function<bool()>;

  /// `cpu` is where to run; `stop` is set when `body` throws after the start.
  Worker(const pipeline::Options& options, std::optional<int> cpu, StartGate& gate,
         std::atomic<bool>& stop, std::function<void(const Ready&)> body)
      : thread_([this, options, cpu, &gate, &stop,
                 body = std::move(body)](const std::stop_token& gone) {
          bool started = false;
          try {
            if (cpu) {
              platform::pin_this_thread(*cpu);
            }
            body([&] {
              schedule(options);
              started = true;
              ready_.set_value(platform::this_thread_id());
              return gate.pass(gone);
            });
            counters_ = platform::read_thread_counters(platform::this_thread_id());
          } catch (...) {
            if (started) {
              failure_ = std::current_exception();
              stop = true;
            } else {
              ready_.set_exception(std::current_exception());
            }
          }
        }) {}

  /// Waits until the thread is ready, and returns its number. Throws what it threw: bad_alloc, or
  /// std::system_error when the kernel refused what `options` want for it.
  pid_t wait_until_ready() { return ready_.get_future().get(); }

  /// Waits for the end of its part, and throws what it threw.
  void join() {
    thread_.join();
    if (failure_) {
      std::rethrow_exception(failure_);
    }
  }

  /// What the kernel counted for it until its end. Call it after join().
  const platform::ThreadCounters& counters() const noexcept { return counters_; }

 private:
  static void schedule(const pipeline::Options& options) {
    if (options.timer_slack_ns) {
      platform::set_timer_slack(*options.timer_slack_ns);
    }
    if (options.scheduling.klass != platform::Scheduling::Class::kOther) {
      platform::schedule_this_thread(options.scheduling);
    }
  }

  std::promise<pid_t> ready_;
  std::exception_ptr failure_;  // after the start
  platform::ThreadCounters counters_;
  std::jthread thread_;  // last: it starts when all else is there
};

}  // namespace pipelab::threads
