#pragma once

#include <sched.h>

#include <cstddef>
#include <string>
#include <vector>

namespace pipelab::platform {

/// The size that keeps two threads' data off each other's cache lines: two lines of 64 bytes, since
/// adjacent lines are fetched in pairs on many CPUs.
inline constexpr std::size_t kDestructiveInterference = 128;

/// Tells the CPU (and QEMU, which then lets the next virtual CPU run) that this turn of a busy loop
/// made no progress.
inline void spin_hint() noexcept {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__) || defined(__arm__)
  asm volatile("yield" ::: "memory");
#else
#error "no spin hint is known for this architecture: add it here"
#endif
}

/// Lets threads that are ready run first, with the spin hint for other virtual CPUs.
inline void let_others_run() noexcept {
  sched_yield();
  spin_hint();
}

/// The CPUs that a thread of this process can be pinned to, ascending.
std::vector<int> allowed_cpus();

/// The CPUs that the calling thread runs on as long as it is not pinned to others, ascending: what
/// taskset(1) says, for example.
std::vector<int> scheduled_cpus();

/// The CPU that the calling thread is on now.
int this_cpu() noexcept;

/// `cpus` (ascending) as a Linux CPU list, e.g. "0,2-5".
std::string cpu_list(const std::vector<int>& cpus);

/// Pins the calling thread to `cpu`. Throws std::system_error where the kernel refuses.
void pin_this_thread(int cpu);

}  // namespace pipelab::platform
