// The turnstile: loaded into QEMU (LD_PRELOAD) beside an exact guest, it lets QEMU's main loop act
// only while the thread that runs the guest's CPUs waits.
//
// With -icount, QEMU runs all CPUs on one thread, and its main loop on another. The main loop skips
// idle time when it sees that all CPUs wait, and runs the timers that are due. Both look at what
// the CPUs' thread has not finished yet, if the host lets them act at the same time: some ns too
// many are skipped, or a turn is cut short. That is the one thing that made runs differ. Here the
// two take turns, as if they were one thread:
//
//   - the CPUs' thread waits in pthread_cond_wait() and nowhere else: when it begins to, it sets
//   `waiting`;
//   - whoever signals that condition, which only the main loop does, takes `waiting` back before
//   the thread wakes;
//   - the main loop sleeps in ppoll() without the lock of both: when it wakes there, it goes on
//   once `waiting` is set.
//
// It passes all the same when the guest has switched itself off, which QEMU is told to write to
// kEnding (the kernel of armv7 lets the other CPUs spin then), on a signal, such as one that ends
// QEMU, and, so that nothing stands still for ever, when the guest was busy for kLimit. At its end
// QEMU leaves in kReport how often it passed, and how often because of a signal or the limit.
//
// What QEMU 7.2 to 10 have in common and this relies on: util/main-loop.c polls with ppoll();
// accel/tcg/tcg-accel-ops-rr.c waits with pthread_cond_wait(); no other thread than these two uses
// a condition variable without a timeout.

#include <dlfcn.h>
#include <linux/futex.h>
#include <poll.h>
#include <pthread.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <ctime>

namespace {

constexpr const char* kReport = "turnstile.txt";
constexpr const char* kEnding =
    "turnstile.log";  // -D turnstile.log -trace qemu_system_shutdown_request
constexpr timespec kLook{.tv_sec = 0, .tv_nsec = 20'000'000};
constexpr long kLimit = 60;  // seconds of QEMU's CPU time, which a busy host does not stretch

std::atomic<int> waiting{0};  // 1 while the CPUs' thread does; a futex
std::atomic<pthread_cond_t*> condition_of_cpus{nullptr};
std::atomic<pthread_mutex_t*> lock_of_both{nullptr};
int passes = 0;
int forced = 0;

// The function of the C library behind one of the same name here. x86_64 has an older
// pthread_cond_* as well, without a version the one that dlsym() may give.
template <typename Function>
Function* behind(const char* name) {
  void* found = dlvsym(RTLD_NEXT, name, "GLIBC_2.3.2");
  return reinterpret_cast<Function*>(found != nullptr ? found : dlsym(RTLD_NEXT, name));
}

bool on_main_thread() { return syscall(SYS_gettid) == getpid(); }

// Whether this thread holds the lock already, as QEMU does when it polls while it ends. The owner
// is glibc's own.
bool holds(const pthread_mutex_t* lock) { return lock->__data.__owner == getpid(); }

void before_signal(pthread_cond_t* condition) {
  if (condition == condition_of_cpus) {
    waiting = 0;
  }
}

bool is_ending() {
  struct stat file {};
  return stat(kEnding, &file) == 0 && file.st_size > 0;
}

long cpu_time_s() {
  timespec used{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
  return used.tv_sec;
}

// Waits until the CPUs' thread does, or none of its turns counts any more. False on a signal, and
// at the limit.
bool wait_for_cpus() {
  const long limit = cpu_time_s() + kLimit;
  while (waiting == 0 && !is_ending()) {
    const long result = syscall(SYS_futex, &waiting, FUTEX_WAIT_PRIVATE, 0, &kLook, nullptr, 0);
    if (result != 0 && (errno == EINTR || (errno == ETIMEDOUT && cpu_time_s() >= limit))) {
      return false;
    }
  }
  return true;
}

struct Report {
  ~Report() {
    if (passes == 0) {
      return;
    }
    if (FILE* file = fopen(kReport, "w"); file != nullptr) {
      fprintf(file, "%d\t%d\n", passes, forced);
      fclose(file);
    }
  }
} report;

}  // namespace

// The C library's own names of the parameters are reserved.
// NOLINTBEGIN(readability-inconsistent-declaration-parameter-name)
extern "C" {

int pthread_cond_wait(pthread_cond_t* condition, pthread_mutex_t* mutex) {
  static auto* const wait = behind<decltype(pthread_cond_wait)>("pthread_cond_wait");
  if (on_main_thread()) {
    return wait(condition, mutex);
  }
  condition_of_cpus = condition;
  lock_of_both = mutex;
  waiting = 1;
  syscall(SYS_futex, &waiting, FUTEX_WAKE_PRIVATE, 1, nullptr, nullptr, 0);
  const int result = wait(condition, mutex);
  waiting = 0;
  return result;
}

int pthread_cond_signal(pthread_cond_t* condition) {
  static auto* const signal = behind<decltype(pthread_cond_signal)>("pthread_cond_signal");
  before_signal(condition);
  return signal(condition);
}

int pthread_cond_broadcast(pthread_cond_t* condition) {
  static auto* const broadcast = behind<decltype(pthread_cond_broadcast)>("pthread_cond_broadcast");
  before_signal(condition);
  return broadcast(condition);
}

int ppoll(pollfd* files, nfds_t count, const timespec* timeout, const sigset_t* signals) {
  static auto* const poll = behind<decltype(ppoll)>("ppoll");
  const int result = poll(files, count, timeout, signals);
  const int error = errno;
  const pthread_mutex_t* lock = lock_of_both;
  const bool interrupted = result < 0 && error == EINTR;
  if (lock != nullptr && on_main_thread() && !holds(lock) && !interrupted) {
    ++passes;
    forced += wait_for_cpus() ? 0 : 1;
  }
  errno = error;
  return result;
}
}
// NOLINTEND(readability-inconsistent-declaration-parameter-name)
