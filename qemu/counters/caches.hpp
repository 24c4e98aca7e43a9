#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <unordered_map>
#include <vector>

#include "counts.hpp"
#include "regions.hpp"

namespace counters {

struct CacheShape {
  std::uint64_t bytes;
  std::uint64_t ways;
};

/// Each vCPU has an L1 data cache of its own; all share an L2, which holds all that any L1 holds.
struct Shape {
  CacheShape l1{.bytes = 32768, .ways = 2};
  CacheShape l2{.bytes = 1048576, .ways = 16};
  std::uint64_t line_bytes{64};
};

/// Throws std::invalid_argument for what cannot be built.
void check(const Shape& shape);

/// What one vCPU met in one region.
struct CacheCounts {
  std::uint64_t accesses{0};       ///< of lines: an access across a border is two
  std::uint64_t l1_misses{0};      ///< the line was not in the own L1
  std::uint64_t l2_misses{0};      ///< and in no other cache
  std::uint64_t transfers{0};      ///< misses where another L1 alone had the line, and gave it
  std::uint64_t invalidations{0};  ///< copies that other L1s lost to this vCPU's writes
  std::uint64_t true_sharing{0};   ///< misses on a line lost to another's write, of bytes it wrote
  std::uint64_t false_sharing{0};  ///< the same, but what it wrote was never looked at
};

/// What one vCPU did to one contended line. In masks, bit N stands for 1/64 of the line.
struct Sharer {
  std::uint64_t touched{0};
  std::uint64_t wrote{0};
  std::uint64_t load_pc{0};   ///< the last instruction that read it
  std::uint64_t store_pc{0};  ///< the last instruction that wrote it
  CacheCounts counts;
  std::uint64_t stale{0};  // what others have written since it was lost
  bool lost{false};        // to another's write
};

/// A line that was in more than one vCPU's cache.
struct ContendedLine {
  std::uint64_t vaddr;  ///< where it was last accessed
  std::uint64_t paddr;
  std::vector<Sharer> cpus;
  bool of_ended_region{false};  ///< and of none since
};

struct Access {
  unsigned cpu;
  Space space;
  bool is_store;
  std::uint64_t vaddr;
  std::uint64_t paddr;
  std::uint64_t size;
  std::uint64_t pc;
};

/// Simulates the data caches of all vCPUs, kept coherent by MESI, with least recently used lines
/// going first. Misses on a line that was lost to another vCPU's write are told apart after
/// Torrellas, Lam and Hennessy (1994): one is true sharing when, until the line is lost again, a
/// byte is touched that another has written meanwhile; else it is false sharing.
class Caches {
 public:
  Caches(const Shape& shape, std::size_t cpus);

  /// From now on, counts go to region `number`, which begins with empty caches: what was accessed
  /// outside of regions is not known.
  void begin(unsigned number);

  /// An access of up to a line's size.
  void access(const Access& access);

  /// Empties all caches, and so judges the misses whose lines were still held.
  void empty();

  /// By vCPU and space.
  using RegionCounts = std::vector<std::array<CacheCounts, kSpaces>>;

  const std::array<RegionCounts, kRegions>& regions() const { return regions_; }
  std::vector<const ContendedLine*> contended() const;

 private:
  enum class State : std::uint8_t { kShared, kExclusive, kModified };

  struct alignas(64) Way {
    std::uint64_t used;  // when; the least goes first
    std::uint64_t touched;
    std::uint64_t written;  // and not yet told to the other vCPUs' `stale`
    std::uint64_t stale;    // what others had written before it was fetched after a loss
    std::uint64_t load_pc;
    std::uint64_t store_pc;
    CacheCounts* blamed;  // counts the judgement, when it was fetched after a loss; else null
    State state;
  };

  struct L1 {
    std::vector<std::uint64_t> lines;  // by set and way
    std::vector<Way> ways;
  };

  struct Line {
    std::uint64_t holders{0};  // a bit for each vCPU whose L1 has it
    std::unique_ptr<ContendedLine> contended;
  };

  /// The part of an access that falls into one line.
  struct Touch {
    unsigned cpu;
    Space space;
    bool is_store;
    std::uint64_t line;
    std::uint64_t mask;
    std::uint64_t vaddr;
    std::uint64_t pc;
  };

  void touch(const Touch& touch);
  static void write_out(unsigned cpu, Way& way, ContendedLine& contended);
  static void judge(unsigned cpu, const Way& way, ContendedLine& contended);
  std::size_t miss(const Touch& touch, CacheCounts& counts);
  void own(const Touch& touch, Way& way, CacheCounts& counts);
  void take_from_others(const Touch& touch, Line& line, CacheCounts& counts);
  bool owner_gives(const Touch& touch, Line& line);
  bool look_up_l2(std::uint64_t number);
  void evict(unsigned cpu, std::size_t index);
  ContendedLine& contend(Line& line, const Touch& touch);
  void give_to(std::uint64_t vaddr, std::unique_ptr<ContendedLine>& contended);
  std::size_t find(unsigned cpu, std::uint64_t number) const;
  std::size_t room_in_l1(unsigned cpu, std::uint64_t number);

  Shape shape_;
  unsigned line_shift_;
  unsigned grain_shift_;  // 64 grains to a line
  std::uint64_t l1_mask_;
  std::uint64_t l2_mask_;
  std::vector<L1> l1_;
  std::vector<std::uint64_t> l2_lines_;
  std::vector<std::uint64_t> l2_used_;
  std::unordered_map<std::uint64_t, Line> lines_;
  std::vector<std::unique_ptr<ContendedLine>>
      former_;  // what memory was that is something else now
  std::uint64_t now_{0};
  std::array<RegionCounts, kRegions> regions_;
  RegionCounts* counting_{nullptr};
};

}  // namespace counters
