#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace counters {

/// Where code runs: in a process or in the kernel.
enum Space : unsigned { kUser, kKernel };
inline constexpr std::size_t kSpaces = 2;
inline constexpr std::array<const char*, kSpaces> kSpaceNames = {"user", "kernel"};

/// What was run. Loads and stores are instructions or accesses, as Target::accesses says.
struct Counts {
  std::uint64_t instructions{0};
  std::uint64_t loads{0};
  std::uint64_t stores{0};

  Counts& operator+=(const Counts& other);
  Counts operator-(const Counts& other) const;
};

/// One vCPU's counts, alone on its cache lines.
struct alignas(128) CpuCounts {
  std::array<Counts, kSpaces> in;

  CpuCounts& operator+=(const CpuCounts& other);
  CpuCounts operator-(const CpuCounts& other) const;
};

/// Counts of one space, packed into one word, so that generated code counts a piece of code up with
/// one addition: 24 bits of instructions, 20 of loads, 20 of stores.
using Packed = std::uint64_t;

constexpr Packed pack(const Counts& counts) {
  return counts.instructions | counts.loads << 24 | counts.stores << 44;
}

constexpr Counts unpack(Packed packed) {
  return {
      .instructions = packed & 0xffffff, .loads = packed >> 24 & 0xfffff, .stores = packed >> 44};
}

/// Finds out what QEMU's filter for reads lets through: in QEMU 7.2, generated code counts the
/// writes instead. Some of the first instructions are counted by a call as well, which knows.
struct AccessFilter {
  std::uint64_t passed{0};
  Counts known;
  unsigned to_watch{256};  // instructions

  /// What was really done, of what passed the filter and of all.
  Counts sort(const Counts& passed_and_all) const;
};

/// Attributes counts to vCPUs. Where the vCPUs run in turn (exact timing), generated code cannot
/// tell them apart; so whenever another vCPU goes on, what was counted since is settled for the one
/// before.
class CpuLedger {
 public:
  explicit CpuLedger(std::size_t cpus) : cpus_(cpus) {}

  /// What generated code counts up, for vCPUs that run in turn.
  Packed& live(Space space) { return live_[space]; }

  /// What callbacks count up.
  Counts& of(unsigned cpu, Space space) { return cpus_[cpu].in[space]; }

  /// `cpu` is about to run a block that counts into `live`.
  void begin_block(unsigned cpu, Packed live) {
    if (cpu != running_ || (live & kNearlyFull) != 0) [[unlikely]] {
      settle();
      running_ = cpu;
    }
  }

  /// For targets whose accesses are counted as they happen: from now on, the loads in `live` are
  /// what passed QEMU's filter for reads, and the stores all accesses. See AccessFilter.
  void count_by_filter(const AccessFilter& filter) { filter_ = &filter; }

  /// All counts so far, vCPU by vCPU.
  const std::vector<CpuCounts>& settled() {
    settle();
    return cpus_;
  }

 private:
  // The highest bit of each field; a block has 512 instructions at most.
  static constexpr Packed kNearlyFull =
      pack({.instructions = 1U << 23, .loads = 1U << 19, .stores = 1U << 19});

  void settle();

  std::array<Packed, kSpaces> live_{};
  unsigned running_{0};
  std::vector<CpuCounts> cpus_;
  const AccessFilter* filter_{nullptr};
};

}  // namespace counters
