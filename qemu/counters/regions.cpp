#include "regions.hpp"

namespace counters {

void Regions::begin(unsigned number, const std::vector<CpuCounts>& so_far) {
  end(so_far);
  active_ = number;
  at_begin_ = so_far;
  Region& region = regions_[number];
  ++region.times;
  region.cpus.resize(so_far.size());
}

void Regions::end(const std::vector<CpuCounts>& so_far) {
  if (!active_) {
    return;
  }
  Region& region = regions_[*active_];
  for (std::size_t cpu = 0; cpu < so_far.size(); ++cpu) {
    region.cpus[cpu] += so_far[cpu] - at_begin_[cpu];
  }
  active_.reset();
}

}  // namespace counters
