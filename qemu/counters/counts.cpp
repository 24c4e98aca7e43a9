#include "counts.hpp"

namespace counters {

Counts& Counts::operator+=(const Counts& other) {
  instructions += other.instructions;
  loads += other.loads;
  stores += other.stores;
  return *this;
}

Counts Counts::operator-(const Counts& other) const {
  return {.instructions = instructions - other.instructions,
          .loads = loads - other.loads,
          .stores = stores - other.stores};
}

CpuCounts& CpuCounts::operator+=(const CpuCounts& other) {
  for (std::size_t space = 0; space < kSpaces; ++space) {
    in[space] += other.in[space];
  }
  return *this;
}

CpuCounts CpuCounts::operator-(const CpuCounts& other) const {
  CpuCounts difference;
  for (std::size_t space = 0; space < kSpaces; ++space) {
    difference.in[space] = in[space] - other.in[space];
  }
  return difference;
}

void CpuLedger::settle() {
  for (std::size_t space = 0; space < kSpaces; ++space) {
    cpus_[running_].in[space] += unpack(live_[space]);
    live_[space] = 0;
  }
}

}  // namespace counters
