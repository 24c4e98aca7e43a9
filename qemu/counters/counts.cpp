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

Counts AccessFilter::sort(const Counts& passed_and_all) const {
  const std::uint64_t of_these = passed_and_all.loads;
  const std::uint64_t others = passed_and_all.stores - passed_and_all.loads;
  const auto apart = [this](std::uint64_t count) {
    return count > passed ? count - passed : passed - count;
  };
  const bool passes_writes = apart(known.stores) < apart(known.loads);
  return {.instructions = passed_and_all.instructions,
          .loads = passes_writes ? others : of_these,
          .stores = passes_writes ? of_these : others};
}

void CpuLedger::settle() {
  for (std::size_t space = 0; space < kSpaces; ++space) {
    const Counts counts = unpack(live_[space]);
    cpus_[running_].in[space] += filter_ == nullptr ? counts : filter_->sort(counts);
    live_[space] = 0;
  }
}

}  // namespace counters
