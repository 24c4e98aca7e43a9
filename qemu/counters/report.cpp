#include "report.hpp"

#include <cinttypes>

namespace counters {
namespace {

/// Puts commas between the elements of a JSON list or object.
class Separator {
 public:
  explicit Separator(std::FILE* file) : file_(file) {}
  void operator()() {
    std::fputs(first_ ? "\n" : ",\n", file_);
    first_ = false;
  }

 private:
  std::FILE* file_;
  bool first_{true};
};

void write_cache_counts(std::FILE* file, const CacheCounts& counts) {
  std::fprintf(file,
               ", \"cache_accesses\": %" PRIu64 ", \"l1_misses\": %" PRIu64
               ", \"l2_misses\": %" PRIu64 ", \"transfers\": %" PRIu64
               ", \"invalidations\": %" PRIu64 ", \"true_sharing\": %" PRIu64
               ", \"false_sharing\": %" PRIu64,
               counts.accesses, counts.l1_misses, counts.l2_misses, counts.transfers,
               counts.invalidations, counts.true_sharing, counts.false_sharing);
}

void write_regions(std::FILE* file, const Regions& regions, const Caches* caches) {
  Separator next_row(file);
  for (unsigned number = 0; number < kRegions; ++number) {
    const Regions::Region& region = regions.all()[number];
    for (std::size_t cpu = 0; cpu < region.cpus.size(); ++cpu) {
      for (std::size_t space = 0; space < kSpaces; ++space) {
        const Counts& counts = region.cpus[cpu].in[space];
        next_row();
        std::fprintf(file,
                     "    {\"region\": %u, \"times\": %" PRIu64
                     ", \"cpu\": %zu, \"space\": \"%s\", \"instructions\": %" PRIu64
                     ", \"loads\": %" PRIu64 ", \"stores\": %" PRIu64,
                     number, region.times, cpu, kSpaceNames[space], counts.instructions,
                     counts.loads, counts.stores);
        if (caches != nullptr) {
          write_cache_counts(file, caches->regions()[number][cpu][space]);
        }
        std::fputc('}', file);
      }
    }
  }
}

void write_contended(std::FILE* file, const Caches& caches) {
  Separator next_row(file);
  for (const ContendedLine* line : caches.contended()) {
    for (std::size_t cpu = 0; cpu < line->cpus.size(); ++cpu) {
      const Sharer& sharer = line->cpus[cpu];
      if (sharer.touched == 0) {
        continue;
      }
      next_row();
      std::fprintf(
          file,
          "    {\"vaddr\": %" PRIu64 ", \"paddr\": %" PRIu64 ", \"cpu\": %zu, \"touched\": %" PRIu64
          ", \"wrote\": %" PRIu64 ", \"load_pc\": %" PRIu64 ", \"store_pc\": %" PRIu64
          ", \"l1_misses\": %" PRIu64 ", \"transfers\": %" PRIu64 ", \"invalidations\": %" PRIu64
          ", \"true_sharing\": %" PRIu64 ", \"false_sharing\": %" PRIu64 "}",
          line->vaddr, line->paddr, cpu, sharer.touched, sharer.wrote, sharer.load_pc,
          sharer.store_pc, sharer.counts.l1_misses, sharer.counts.transfers,
          sharer.counts.invalidations, sharer.counts.true_sharing, sharer.counts.false_sharing);
    }
  }
}

void write_profile(std::FILE* file, const Profile& profile) {
  Separator next_row(file);
  for (const Profile::Piece& piece : profile.pieces()) {
    if (piece.runs_in_regions > 0) {
      next_row();
      std::fprintf(file, "    {\"vaddr\": %" PRIu64 ", \"instructions\": %" PRIu64 "}", piece.vaddr,
                   piece.runs_in_regions * piece.instructions);
    }
  }
}

}  // namespace

void write_report(std::FILE* file, const Options& options, std::string_view target,
                  const Regions& regions, bool open, const Caches* caches, const Profile* profile) {
  std::fprintf(file, "{\n  \"version\": 1,\n  \"target\": \"%.*s\",\n  \"vcpus\": \"%s\",\n",
               static_cast<int>(target.size()), target.data(),
               options.in_turn ? "in-turn" : "at-once");
  std::fprintf(file, "  \"ended_in_region\": %s,\n  \"regions\": [", open ? "true" : "false");
  write_regions(file, regions, caches);
  std::fputs("\n  ]", file);
  if (caches != nullptr) {
    const Shape& shape = options.shape;
    std::fprintf(file,
                 ",\n  \"caches\": {\"l1_bytes\": %" PRIu64 ", \"l1_ways\": %" PRIu64
                 ", \"l2_bytes\": %" PRIu64 ", \"l2_ways\": %" PRIu64 ", \"line_bytes\": %" PRIu64
                 "},\n  \"contended_lines\": [",
                 shape.l1.bytes, shape.l1.ways, shape.l2.bytes, shape.l2.ways, shape.line_bytes);
    write_contended(file, *caches);
    std::fputs("\n  ]", file);
  }
  if (profile != nullptr) {
    std::fputs(",\n  \"profile\": [", file);
    write_profile(file, *profile);
    std::fputs("\n  ]", file);
  }
  std::fputs("\n}\n", file);
}

}  // namespace counters
