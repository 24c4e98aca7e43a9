#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "counts.hpp"

namespace counters {

inline constexpr unsigned kRegions = 16;

/// The marked regions, and what was counted in each. One at most is active: to begin a region ends
/// the one before.
class Regions {
 public:
  struct Region {
    std::uint64_t times{0};       // how often it was begun
    std::vector<CpuCounts> cpus;  // empty when it never was
  };

  /// The region that is active, if any.
  std::optional<unsigned> active() const { return active_; }

  /// Region `number` begins; `so_far` are all counts up to here.
  void begin(unsigned number, const std::vector<CpuCounts>& so_far);

  /// The active region ends, if any is.
  void end(const std::vector<CpuCounts>& so_far);

  const std::array<Region, kRegions>& all() const { return regions_; }

 private:
  std::array<Region, kRegions> regions_;
  std::optional<unsigned> active_;
  std::vector<CpuCounts> at_begin_;
};

}  // namespace counters
