// The plugin: what QEMU calls, and what it is told to call or to count when guest code runs. It
// only watches. In exact timing not a nanosecond of the guest's time depends on it.

#include <cstdio>
#include <exception>
#include <memory>
#include <mutex>
#include <span>
#include <string>

#include "caches.hpp"
#include "counts.hpp"
#include "options.hpp"
#include "plugin_api.h"
#include "profile.hpp"
#include "regions.hpp"
#include "report.hpp"
#include "target.hpp"

int qemu_plugin_version = 1;

namespace counters {
namespace {

struct Plugin {
  Options options;
  const Target* target;
  CpuLedger ledger;
  AccessFilter filter{};
  Regions regions{};
  std::unique_ptr<Caches> caches{};    // null unless asked for
  std::unique_ptr<Profile> profile{};  // null unless asked for
  bool in_region{false};
  std::mutex mutex{};  // held where vCPUs that run at once share something
};

Plugin* plugin = nullptr;

// Numbers travel in a callback's pointer, which is never followed.
void* as_userdata(std::uint64_t value) {
  return reinterpret_cast<void*>(value);  // NOLINT(performance-no-int-to-ptr)
}
std::uint64_t from_userdata(void* userdata) { return reinterpret_cast<std::uint64_t>(userdata); }

Space space_of(std::uint64_t vaddr) { return plugin->target->is_kernel(vaddr) ? kKernel : kUser; }

void end_region() {
  plugin->regions.end(plugin->ledger.settled());
  if (plugin->profile && plugin->in_region) {
    plugin->profile->end();
  }
  plugin->in_region = false;
}

void on_mark(unsigned /*vcpu*/, void* userdata) {
  const std::lock_guard lock(plugin->mutex);
  const auto code = static_cast<unsigned>(from_userdata(userdata));
  const unsigned region = code / 2;
  const bool is_begin = code % 2 == 0;
  if (!is_begin && plugin->regions.active() != region) {
    return;  // the end of a region that another one has ended
  }
  end_region();
  if (!is_begin) {
    return;
  }
  plugin->regions.begin(region, plugin->ledger.settled());
  if (plugin->caches) {
    plugin->caches->begin(region);
  }
  if (plugin->profile) {
    plugin->profile->begin();
  }
  plugin->in_region = true;
}

/// `userdata` is the word that the block counts into.
void on_block_in_turn(unsigned vcpu, void* userdata) {
  plugin->ledger.begin_block(vcpu, *static_cast<const Packed*>(userdata));
}

/// `userdata` is what to count, packed, and in its lowest bit the space.
void count_piece(unsigned vcpu, void* userdata) {
  const std::uint64_t value = from_userdata(userdata);
  plugin->ledger.of(vcpu, static_cast<Space>(value & 1)) += unpack(value >> 1);
}

/// `userdata` is the space.
void count_access(unsigned vcpu, qemu_plugin_meminfo_t access, std::uint64_t /*vaddr*/,
                  void* userdata) {
  Counts& counts = plugin->ledger.of(vcpu, static_cast<Space>(from_userdata(userdata)));
  ++(qemu_plugin_mem_is_store(access) ? counts.stores : counts.loads);
}

void learn_filter(unsigned /*vcpu*/, qemu_plugin_meminfo_t access, std::uint64_t /*vaddr*/,
                  void* /*userdata*/) {
  Counts& known = plugin->filter.known;
  ++(qemu_plugin_mem_is_store(access) ? known.stores : known.loads);
}

/// `userdata` is the instruction's address.
void simulate_access(unsigned vcpu, qemu_plugin_meminfo_t access, std::uint64_t vaddr,
                     void* userdata) {
  if (!plugin->in_region) {
    return;
  }
  const qemu_plugin_hwaddr* const address = qemu_plugin_get_hwaddr(access, vaddr);
  if (address == nullptr || qemu_plugin_hwaddr_is_io(address)) {
    return;
  }
  const Access seen{.cpu = vcpu,
                    .space = space_of(from_userdata(userdata)),
                    .is_store = qemu_plugin_mem_is_store(access),
                    .vaddr = vaddr,
                    .paddr = qemu_plugin_hwaddr_phys_addr(address),
                    .size = std::uint64_t{1} << qemu_plugin_mem_size_shift(access),
                    .pc = from_userdata(userdata)};
  if (plugin->options.in_turn) {
    plugin->caches->access(seen);
  } else {
    const std::lock_guard lock(plugin->mutex);
    plugin->caches->access(seen);
  }
}

/// Has `counts` added whenever `first`, the first instruction of a piece, is run.
void watch_piece(qemu_plugin_insn* first, const Counts& counts) {
  const std::uint64_t vaddr = qemu_plugin_insn_vaddr(first);
  const Space space = space_of(vaddr);
  if (!plugin->options.in_turn) {
    qemu_plugin_register_vcpu_insn_exec_cb(first, count_piece, QEMU_PLUGIN_CB_NO_REGS,
                                           as_userdata(pack(counts) << 1 | space));
    return;
  }
  qemu_plugin_register_vcpu_insn_exec_inline(first, QEMU_PLUGIN_INLINE_ADD_U64,
                                             &plugin->ledger.live(space), pack(counts));
  if (plugin->profile) {
    std::uint64_t& runs = plugin->profile->at(vaddr, counts.instructions).runs;
    qemu_plugin_register_vcpu_insn_exec_inline(first, QEMU_PLUGIN_INLINE_ADD_U64, &runs, 1);
  }
}

/// `userdata` is the word that the instruction's block counts into.
void count_access_in_turn(unsigned /*vcpu*/, qemu_plugin_meminfo_t access, std::uint64_t /*vaddr*/,
                          void* userdata) {
  constexpr Packed kLoad = pack({.loads = 1});
  constexpr Packed kStore = pack({.stores = 1});
  *static_cast<Packed*>(userdata) += qemu_plugin_mem_is_store(access) ? kStore : kLoad;
}

/// Has each access counted by generated code.
void watch_by_filter(qemu_plugin_insn* insn, Packed& live) {
  qemu_plugin_register_vcpu_mem_inline(insn, QEMU_PLUGIN_MEM_R, QEMU_PLUGIN_INLINE_ADD_U64, &live,
                                       pack({.loads = 1}));
  qemu_plugin_register_vcpu_mem_inline(insn, QEMU_PLUGIN_MEM_RW, QEMU_PLUGIN_INLINE_ADD_U64, &live,
                                       pack({.stores = 1}));
  if (plugin->filter.to_watch > 0) {
    --plugin->filter.to_watch;
    qemu_plugin_register_vcpu_mem_inline(insn, QEMU_PLUGIN_MEM_R, QEMU_PLUGIN_INLINE_ADD_U64,
                                         &plugin->filter.passed, 1);
    qemu_plugin_register_vcpu_mem_cb(insn, learn_filter, QEMU_PLUGIN_CB_NO_REGS, QEMU_PLUGIN_MEM_RW,
                                     nullptr);
  }
}

void watch_accesses(qemu_plugin_insn* insn) {
  void* const pc = as_userdata(qemu_plugin_insn_vaddr(insn));
  const Space space = space_of(qemu_plugin_insn_vaddr(insn));
  const Accesses how = plugin->target->accesses;
  Packed& live = plugin->ledger.live(space);
  if (how != Accesses::kByKind && !plugin->options.in_turn) {
    qemu_plugin_register_vcpu_mem_cb(insn, count_access, QEMU_PLUGIN_CB_NO_REGS, QEMU_PLUGIN_MEM_RW,
                                     as_userdata(space));
  } else if (how == Accesses::kByCall) {
    qemu_plugin_register_vcpu_mem_cb(insn, count_access_in_turn, QEMU_PLUGIN_CB_NO_REGS,
                                     QEMU_PLUGIN_MEM_RW, &live);
  } else if (how == Accesses::kByFilter) {
    watch_by_filter(insn, live);
  }
  if (plugin->caches) {
    qemu_plugin_register_vcpu_mem_cb(insn, simulate_access, QEMU_PLUGIN_CB_NO_REGS,
                                     QEMU_PLUGIN_MEM_RW, pc);
  }
}

/// True for an instruction that reaches the end of its page. One of x86 that goes on in the next
/// page is shown as far as it was read, but left to another block.
bool may_be_left_out(const qemu_plugin_insn* insn) {
  constexpr unsigned kPageShift = 12;
  const std::uint64_t vaddr = qemu_plugin_insn_vaddr(insn);
  return (vaddr + qemu_plugin_insn_size(insn)) >> kPageShift != vaddr >> kPageShift;
}

/// Watches a block of guest code, in pieces that are run whole or not at all.
void on_translation(qemu_plugin_id_t /*id*/, qemu_plugin_tb* block) {
  if (plugin->options.in_turn) {
    const std::uint64_t vaddr = qemu_plugin_insn_vaddr(qemu_plugin_tb_get_insn(block, 0));
    qemu_plugin_register_vcpu_tb_exec_cb(block, on_block_in_turn, QEMU_PLUGIN_CB_NO_REGS,
                                         &plugin->ledger.live(space_of(vaddr)));
  }
  qemu_plugin_insn* first = nullptr;
  Counts counts;
  const auto end_piece = [&] {
    if (first != nullptr) {
      watch_piece(first, counts);
    }
    first = nullptr;
    counts = {};
  };
  const std::size_t size = qemu_plugin_tb_n_insns(block);
  for (std::size_t index = 0; index < size; ++index) {
    qemu_plugin_insn* const insn = qemu_plugin_tb_get_insn(block, index);
    const auto* const code = static_cast<const std::uint8_t*>(qemu_plugin_insn_data(insn));
    if (const auto mark = plugin->target->mark(code, qemu_plugin_insn_size(insn))) {
      end_piece();  // a mark is not counted itself
      qemu_plugin_register_vcpu_insn_exec_cb(insn, on_mark, QEMU_PLUGIN_CB_NO_REGS,
                                             as_userdata(*mark));
      continue;
    }
    const Kind kind = plugin->target->kind(code, qemu_plugin_insn_size(insn));
    if (may_be_left_out(insn)) {
      end_piece();
    }
    first = first == nullptr ? insn : first;
    counts += {.instructions = 1, .loads = kind.loads ? 1U : 0U, .stores = kind.stores ? 1U : 0U};
    watch_accesses(insn);
    if (kind.may_stop) {
      end_piece();
    }
  }
  end_piece();
}

void on_exit(qemu_plugin_id_t /*id*/, void* /*userdata*/) {
  const std::lock_guard lock(plugin->mutex);
  const bool open = plugin->in_region;
  end_region();
  if (plugin->caches) {
    plugin->caches->empty();
  }
  std::FILE* const file = std::fopen(plugin->options.out.c_str(), "w");
  if (file == nullptr) {
    std::perror(plugin->options.out.c_str());
    return;
  }
  write_report(file, plugin->options, plugin->target->name, plugin->regions, open,
               plugin->caches.get(), plugin->profile.get());
  if (std::fclose(file) != 0) {
    std::perror(plugin->options.out.c_str());
  }
}

int install(qemu_plugin_id_t id, const qemu_info_t& info, std::span<char*> arguments) {
  const Target* const target = info.system_emulation ? find_target(info.target_name) : nullptr;
  if (target == nullptr) {
    std::fprintf(stderr, "counters: guests of %s are not known: add them to target.cpp\n",
                 info.target_name);
    return 1;
  }
  const Options options = parse_options(arguments);
  const auto cpus = static_cast<std::size_t>(info.system.max_vcpus);
  plugin = new Plugin{.options = options, .target = target, .ledger = CpuLedger(cpus)};
  if (target->accesses == Accesses::kByFilter && options.in_turn) {
    plugin->ledger.count_by_filter(plugin->filter);
  }
  if (options.caches) {
    plugin->caches = std::make_unique<Caches>(options.shape, cpus);
  }
  if (options.profile) {
    plugin->profile = std::make_unique<Profile>();
  }
  qemu_plugin_register_vcpu_tb_trans_cb(id, on_translation);
  qemu_plugin_register_atexit_cb(id, on_exit, nullptr);
  return 0;
}

}  // namespace
}  // namespace counters

int qemu_plugin_install(qemu_plugin_id_t id, const qemu_info_t* info, int argc, char** argv) {
  try {
    return counters::install(id, *info, {argv, static_cast<std::size_t>(argc)});
  } catch (const std::exception& error) {
    std::fprintf(stderr, "counters: %s\n", error.what());
    return 1;
  }
}
