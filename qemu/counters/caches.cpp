#include "caches.hpp"

#include <algorithm>
#include <bit>
#include <stdexcept>
#include <string>
#include <tuple>
#include <utility>

namespace counters {
namespace {

constexpr std::uint64_t kNoLine = UINT64_MAX;
constexpr std::size_t kNowhere = SIZE_MAX;
constexpr unsigned kGrains = 64;  // a mask's bits for a line

std::uint64_t sets(const CacheShape& cache, std::uint64_t line_bytes) {
  return cache.bytes / (cache.ways * line_bytes);
}

void check_cache(const char* name, const CacheShape& cache, std::uint64_t line_bytes) {
  const std::uint64_t count = sets(cache, line_bytes);
  if (!std::has_single_bit(count) || count * cache.ways * line_bytes != cache.bytes) {
    throw std::invalid_argument(
        std::string(name) + "=" + std::to_string(cache.bytes) + "/" + std::to_string(cache.ways) +
        ": with lines of " + std::to_string(line_bytes) + " bytes this is no power of two of sets");
  }
}

std::uint64_t bit(unsigned cpu) { return std::uint64_t{1} << cpu; }

/// Calls `visit` with each vCPU of a set.
template <class Visit>
void for_each_cpu(std::uint64_t set, const Visit& visit) {
  for (; set != 0; set &= set - 1) {
    visit(static_cast<unsigned>(std::countr_zero(set)));
  }
}

}  // namespace

void check(const Shape& shape) {
  if (!std::has_single_bit(shape.line_bytes) || shape.line_bytes < 16 || shape.line_bytes > 4096) {
    throw std::invalid_argument("line=" + std::to_string(shape.line_bytes) +
                                ": give a power of two from 16 to 4096");
  }
  check_cache("l1", shape.l1, shape.line_bytes);
  check_cache("l2", shape.l2, shape.line_bytes);
}

Caches::Caches(const Shape& shape, std::size_t cpus)
    : shape_(shape),
      line_shift_(static_cast<unsigned>(std::countr_zero(shape.line_bytes))),
      grain_shift_(line_shift_ > 6 ? line_shift_ - 6 : 0),
      l1_mask_(sets(shape.l1, shape.line_bytes) - 1),
      l2_mask_(sets(shape.l2, shape.line_bytes) - 1),
      l1_(cpus),
      l2_lines_((l2_mask_ + 1) * shape.l2.ways, kNoLine),
      l2_used_(l2_lines_.size()) {
  check(shape);
  if (cpus > 64) {
    throw std::invalid_argument("caches of more than 64 vCPUs cannot be simulated");
  }
  for (L1& l1 : l1_) {
    l1.lines.assign((l1_mask_ + 1) * shape.l1.ways, kNoLine);
    l1.ways.resize(l1.lines.size());
  }
}

void Caches::begin(unsigned number) {
  empty();
  regions_[number].resize(l1_.size());
  counting_ = &regions_[number];
}

void Caches::access(const Access& access) {
  const std::uint64_t offset = access.paddr & (shape_.line_bytes - 1);
  const std::uint64_t in_first = std::min(access.size, shape_.line_bytes - offset);
  const auto mask = [this](std::uint64_t from, std::uint64_t size) {
    const std::uint64_t first = from >> grain_shift_;
    const std::uint64_t last = (from + size - 1) >> grain_shift_;
    return (~std::uint64_t{0} >> (kGrains - 1 - (last - first))) << first;
  };
  Touch part{.cpu = access.cpu,
             .space = access.space,
             .is_store = access.is_store,
             .line = access.paddr >> line_shift_,
             .mask = mask(offset, in_first),
             .vaddr = access.vaddr - offset,
             .pc = access.pc};
  touch(part);
  if (in_first < access.size) [[unlikely]] {  // as if the next page were the next in memory, too
    ++part.line;
    part.vaddr += shape_.line_bytes;
    part.mask = mask(0, access.size - in_first);
    touch(part);
  }
}

void Caches::touch(const Touch& touch) {
  CacheCounts& counts = (*counting_)[touch.cpu][touch.space];
  ++counts.accesses;
  std::size_t index = find(touch.cpu, touch.line);
  if (index == kNowhere) [[unlikely]] {
    index = miss(touch, counts);
  } else if (touch.is_store && l1_[touch.cpu].ways[index].state != State::kModified) {
    own(touch, l1_[touch.cpu].ways[index], counts);
  }
  Way& way = l1_[touch.cpu].ways[index];
  way.used = ++now_;
  way.touched |= touch.mask;
  if (touch.is_store) {
    way.written |= touch.mask;
    way.store_pc = touch.pc;
  } else {
    way.load_pc = touch.pc;
  }
}

std::size_t Caches::find(unsigned cpu, std::uint64_t number) const {
  const std::size_t first = (number & l1_mask_) * shape_.l1.ways;
  const std::uint64_t* const lines = l1_[cpu].lines.data() + first;
  for (std::size_t way = 0; way < shape_.l1.ways; ++way) {
    if (lines[way] == number) {
      return first + way;
    }
  }
  return kNowhere;
}

std::size_t Caches::miss(const Touch& touch, CacheCounts& counts) {
  ++counts.l1_misses;
  Line& line = lines_[touch.line];  // stays where it is, whatever is added or erased
  const bool from_owner = owner_gives(touch, line);
  const bool in_l2 = look_up_l2(touch.line);
  counts.transfers += from_owner ? 1 : 0;
  counts.l2_misses += in_l2 ? 0 : 1;
  if (touch.is_store) {
    take_from_others(touch, line, counts);
  }
  const std::size_t index = room_in_l1(touch.cpu, touch.line);
  Way& way = l1_[touch.cpu].ways[index];
  l1_[touch.cpu].lines[index] = touch.line;
  way = Way{};
  way.state = touch.is_store      ? State::kModified
              : line.holders == 0 ? State::kExclusive
                                  : State::kShared;
  if (line.contended) {
    Sharer& sharer = contend(line, touch).cpus[touch.cpu];
    ++sharer.counts.l1_misses;
    sharer.counts.transfers += from_owner ? 1 : 0;
    if (sharer.lost) {
      way.blamed = &counts;
      way.stale = sharer.stale;
    }
    sharer.lost = false;
    sharer.stale = 0;
  }
  line.holders |= bit(touch.cpu);
  return index;
}

/// True when one other L1 alone has the line. A reader leaves it there.
bool Caches::owner_gives(const Touch& touch, Line& line) {
  if (line.holders == 0) {
    return false;
  }
  ContendedLine& contended = contend(line, touch);
  if (!std::has_single_bit(line.holders)) {
    return false;
  }
  const auto owner = static_cast<unsigned>(std::countr_zero(line.holders));
  Way& way = l1_[owner].ways[find(owner, touch.line)];
  if (way.state == State::kShared) {
    return false;
  }
  write_out(owner, way, contended);
  way.state = State::kShared;
  return true;
}

/// A store to a line that the own L1 has.
void Caches::own(const Touch& touch, Way& way, CacheCounts& counts) {
  if (way.state == State::kShared) {
    take_from_others(touch, lines_[touch.line], counts);
  }
  way.state = State::kModified;
}

/// Invalidates all copies in other L1s.
void Caches::take_from_others(const Touch& touch, Line& line, CacheCounts& counts) {
  for_each_cpu(line.holders & ~bit(touch.cpu), [&](unsigned cpu) {
    const std::size_t index = find(cpu, touch.line);
    ContendedLine& contended = contend(line, touch);
    write_out(cpu, l1_[cpu].ways[index], contended);
    judge(cpu, l1_[cpu].ways[index], contended);
    contended.cpus[cpu].lost = true;
    l1_[cpu].lines[index] = kNoLine;
    ++counts.invalidations;
    ++contended.cpus[touch.cpu].counts.invalidations;
  });
  line.holders &= bit(touch.cpu);
}

/// True when the L2 has the line; else it is fetched from memory.
bool Caches::look_up_l2(std::uint64_t number) {
  const std::size_t first = (number & l2_mask_) * shape_.l2.ways;
  std::size_t victim = first;
  for (std::size_t index = first; index < first + shape_.l2.ways; ++index) {
    if (l2_lines_[index] == number) {
      l2_used_[index] = ++now_;
      return true;
    }
    if (l2_used_[index] < l2_used_[victim]) {
      victim = index;
    }
  }
  if (const auto leaving = lines_.find(l2_lines_[victim]); leaving != lines_.end()) {
    // The L2 holds all that any L1 holds. The last to go may erase the line.
    for_each_cpu(std::uint64_t{leaving->second.holders},
                 [&](unsigned cpu) { evict(cpu, find(cpu, l2_lines_[victim])); });
  }
  l2_lines_[victim] = number;
  l2_used_[victim] = ++now_;
  return false;
}

/// A free way of the line's set.
std::size_t Caches::room_in_l1(unsigned cpu, std::uint64_t number) {
  const std::size_t first = (number & l1_mask_) * shape_.l1.ways;
  std::size_t victim = first;
  for (std::size_t index = first; index < first + shape_.l1.ways; ++index) {
    if (l1_[cpu].lines[index] == kNoLine) {
      return index;
    }
    if (l1_[cpu].ways[index].used < l1_[cpu].ways[victim].used) {
      victim = index;
    }
  }
  evict(cpu, victim);
  return victim;
}

/// Takes a line out of an L1 for want of room.
void Caches::evict(unsigned cpu, std::size_t index) {
  const auto place = lines_.find(l1_[cpu].lines[index]);
  Line& line = place->second;
  line.holders &= ~bit(cpu);
  if (line.contended) {
    write_out(cpu, l1_[cpu].ways[index], *line.contended);
    judge(cpu, l1_[cpu].ways[index], *line.contended);
  } else if (line.holders == 0) {
    lines_.erase(place);
  }
  l1_[cpu].lines[index] = kNoLine;
}

/// Notes what a vCPU did to the line, and what it wrote for those who lost it.
void Caches::write_out(unsigned cpu, Way& way, ContendedLine& contended) {
  Sharer& sharer = contended.cpus[cpu];
  sharer.touched |= way.touched;
  sharer.wrote |= way.written;
  sharer.load_pc = way.load_pc != 0 ? way.load_pc : sharer.load_pc;
  sharer.store_pc = way.store_pc != 0 ? way.store_pc : sharer.store_pc;
  for (Sharer& other : contended.cpus) {
    if (&other != &sharer) {
      other.stale |= way.written;
    }
  }
  way.written = 0;
}

/// The line is lost: says whether the miss that fetched it was for what others had written.
void Caches::judge(unsigned cpu, const Way& way, ContendedLine& contended) {
  if (way.blamed == nullptr) {
    return;
  }
  const auto judgement =
      (way.touched & way.stale) != 0 ? &CacheCounts::true_sharing : &CacheCounts::false_sharing;
  ++(way.blamed->*judgement);
  ++(contended.cpus[cpu].counts.*judgement);
}

ContendedLine& Caches::contend(Line& line, const Touch& touch) {
  if (line.contended && line.contended->of_ended_region && line.contended->vaddr != touch.vaddr) {
    give_to(touch.vaddr, line.contended);
  }
  if (!line.contended) {
    line.contended = std::make_unique<ContendedLine>();
    line.contended->cpus.resize(l1_.size());
  }
  line.contended->vaddr = touch.vaddr;
  line.contended->paddr = touch.line << line_shift_;
  line.contended->of_ended_region = false;
  return *line.contended;
}

/// The line's memory is at another address than in the region before: it is something else, or of
/// another process. What was known of it is put aside, and what is known of that address is taken
/// up again.
void Caches::give_to(std::uint64_t vaddr, std::unique_ptr<ContendedLine>& contended) {
  const std::uint64_t paddr = contended->paddr;
  former_.push_back(std::move(contended));
  const auto known = std::find_if(former_.begin(), former_.end(), [&](const auto& former) {
    return former->vaddr == vaddr && former->paddr == paddr;
  });
  if (known != former_.end()) {
    contended = std::move(*known);
    former_.erase(known);
  }
}

void Caches::empty() {
  for (unsigned cpu = 0; cpu < l1_.size(); ++cpu) {
    for (std::size_t index = 0; index < l1_[cpu].lines.size(); ++index) {
      if (l1_[cpu].lines[index] != kNoLine) {
        evict(cpu, index);
      }
    }
  }
  std::fill(l2_lines_.begin(), l2_lines_.end(), kNoLine);
  std::fill(l2_used_.begin(), l2_used_.end(), 0);
  for (auto& [number, line] : lines_) {  // the contended ones are left
    line.contended->of_ended_region = true;
    for (Sharer& sharer : line.contended->cpus) {
      sharer.lost = false;
      sharer.stale = 0;
    }
  }
}

std::vector<const ContendedLine*> Caches::contended() const {
  std::vector<const ContendedLine*> found;
  for (const auto& [number, line] : lines_) {
    if (line.contended) {
      found.push_back(line.contended.get());
    }
  }
  for (const std::unique_ptr<ContendedLine>& line : former_) {
    found.push_back(line.get());
  }
  const auto order = [](const ContendedLine* a, const ContendedLine* b) {
    return std::tie(a->paddr, a->vaddr) < std::tie(b->paddr, b->vaddr);
  };
  std::sort(found.begin(), found.end(), order);
  return found;
}

}  // namespace counters
