#include "threads/crew.hpp"

#include <algorithm>
#include <exception>
#include <future>
#include <system_error>
#include <thread>
#include <utility>

#include "platform/cpu.hpp"
#include "platform/marker.hpp"
#include "platform/memory.hpp"
#include "platform/scheduling.hpp"

namespace pipelab::threads {

void StartGate::open() {
  const std::lock_guard lock(mutex_);
  open_ = true;
  opened_.notify_all();
}

bool StartGate::pass(const std::stop_token& gone) {
  std::unique_lock lock(mutex_);
  return opened_.wait(lock, gone, [this] { return open_; });
}

class Crew::Worker {
 public:
  Worker(Crew& crew, Post post, Body body, std::function<void()> ended)
      : crew_(crew),
        record_{.name = std::move(post.name), .role = std::move(post.role)},
        scheduling_(post.scheduling.value_or(crew.options_.scheduling)),
        ended_(std::move(ended)),
        thread_([this, cpu = post.cpu, body = std::move(body)](const std::stop_token& gone) {
          run(cpu, body, gone);
        }) {}
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;
  Worker(Worker&&) = delete;
  Worker& operator=(Worker&&) = delete;
  ~Worker() = default;

  void wait_until_ready() { record_.tid = ready_.get_future().get(); }

  void read_counters(platform::Nanoseconds begin_ns) {
    before_ = platform::read_thread_counters(record_.tid);
    if (platform::now_ns() > begin_ns || has_ended_) {
      before_ = {};  // it has worked: this is not what it had before
    }
  }

  /// Waits for the end, once; sends it home when it waits for the start.
  void end() {
    if (thread_.joinable()) {
      thread_.request_stop();
      thread_.join();
      if (ended_) {
        ended_();
      }
    }
  }

  const std::exception_ptr& failure() const noexcept { return failure_; }

  /// Call it after end().
  Record record() const {
    Record record = record_;
    record.counters = record.counters.since(before_);
    return record;
  }

 private:
  void run(std::optional<int> cpu, const Body& body, const std::stop_token& gone) {
    bool ready = false;
    bool started = false;
    try {
      platform::name_this_thread(record_.name);
      if (cpu) {
        platform::pin_this_thread(*cpu);
      }
      body([&] {
        schedule();
        ready = true;
        ready_.set_value(platform::this_thread_id());
        started = crew_.gate_.pass(gone);
        return started;
      });
      if (started) {
        end_measured_part();
      }
    } catch (...) {
      if (ready) {
        failure_ = std::current_exception();
        crew_.stop_ = true;
      } else {
        ready_.set_exception(std::current_exception());
      }
    }
  }

  void schedule() const {
    if (crew_.options_.timer_slack_ns) {
      platform::set_timer_slack(*crew_.options_.timer_slack_ns);
    }
    if (scheduling_.klass != platform::Scheduling::Class::kOther) {
      platform::schedule_this_thread(scheduling_);
    }
  }

  void end_measured_part() {
    // Relaxed: the mark publishes nothing.
    if (crew_.measuring_.fetch_sub(1, std::memory_order_relaxed) == 1) {
      platform::end_region<platform::kMeasuredRegion>();
    }
    has_ended_ = true;  // before they are read
    record_.cpu = platform::this_cpu();
    record_.counters = platform::read_thread_counters(platform::this_thread_id());
  }

  Crew& crew_;
  Record record_;
  platform::ThreadCounters before_;     // the measured part
  std::atomic<bool> has_ended_{false};  // that part
  platform::Scheduling scheduling_;
  std::function<void()> ended_;
  std::promise<pid_t> ready_;
  std::exception_ptr failure_;  // after it was ready
  std::jthread thread_;         // last: it starts when all else is there
};

Crew::Crew(const Options& options, std::atomic<bool>& stop) : options_(options), stop_(stop) {
  if (options.mlock) {
    platform::lock_memory();
  }
}

Crew::~Crew() {
  for (const auto& worker : workers_) {
    worker->end();
  }
}

void Crew::add(Post post, Body body, std::function<void()> ended) try {
  workers_.insert(workers_.begin(), std::make_unique<Worker>(*this, std::move(post),
                                                             std::move(body), std::move(ended)));
} catch (const std::system_error& error) {
  throw std::system_error(error.code(), "start a thread");
}

void Crew::wait_until_ready() {
  for (const auto& worker : workers_) {
    worker->wait_until_ready();
  }
}

void Crew::start(platform::Nanoseconds quiet_ns, platform::Nanoseconds begin_ns) {
  measuring_ = workers_.size();
  gate_.open();
  platform::sleep_until(quiet_ns, stop_);
  for (const auto& worker : workers_) {
    worker->read_counters(begin_ns);
  }
  platform::begin_region<platform::kMeasuredRegion>();
}

std::vector<Record> Crew::join() {
  std::vector<Record> records;
  std::exception_ptr failure;
  for (const auto& worker : workers_) {
    worker->end();
    failure = failure ? failure : worker->failure();
    records.push_back(worker->record());
  }
  if (failure) {
    std::rethrow_exception(failure);
  }
  return records;
}

}  // namespace pipelab::threads
