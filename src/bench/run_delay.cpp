#include "bench/run_delay.hpp"

#include <fstream>

namespace pipelab::bench {

platform::Nanoseconds run_delay_ns() {
  std::ifstream file("/proc/thread-self/schedstat");
  platform::Nanoseconds on_cpu_ns = 0;
  platform::Nanoseconds waiting_ns = 0;
  return file >> on_cpu_ns >> waiting_ns ? waiting_ns : 0;
}

}  // namespace pipelab::bench
