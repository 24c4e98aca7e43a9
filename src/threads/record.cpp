#include "threads/record.hpp"

#include <fmt/format.h>

namespace pipelab::threads {

std::string csv_line(const Record& record) {
  std::string line = fmt::format("{},{},{}", record.name, record.tid, record.role);
  const auto append = [&line](const auto& number) {
    line += number ? fmt::format(",{}", *number) : ",";
  };
  append(record.cpu);
  const platform::ThreadCounters& counted = record.counters;
  for (const auto& number : {counted.voluntary_switches, counted.involuntary_switches,
                             counted.migrations, counted.page_faults, counted.run_delay_ns,
                             counted.run_time_ns, counted.user_ns, counted.system_ns}) {
    append(number);
  }
  return line;
}

std::optional<platform::Nanoseconds> run_time_ns(const std::vector<Record>& threads) {
  platform::Nanoseconds all_ns = 0;
  for (const Record& thread : threads) {
    if (!thread.counters.run_time_ns) {
      return std::nullopt;
    }
    all_ns += *thread.counters.run_time_ns;
  }
  return all_ns;
}

std::string cpu_time_us(const std::vector<Record>& threads, std::uint64_t count) {
  const std::optional<platform::Nanoseconds> all_ns = run_time_ns(threads);
  return all_ns && count > 0 ? fmt::format("{:.4f}", static_cast<double>(*all_ns) / 1e3 /
                                                         static_cast<double>(count))
                             : "";
}

}  // namespace pipelab::threads
