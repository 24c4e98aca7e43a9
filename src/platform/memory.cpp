#include "platform/memory.hpp"

#include <numa.h>
#include <sys/mman.h>

#include <cerrno>
#include <fstream>
#include <new>
#include <string>
#include <system_error>

namespace pipelab::platform {
namespace {

constexpr std::size_t kHugePageBytes = std::size_t{2} << 20U;

}  // namespace

std::uint64_t available_memory_bytes() {
  std::ifstream file("/proc/meminfo");
  std::string line;
  while (std::getline(file, line)) {
    constexpr std::string_view kName = "MemAvailable:";
    if (line.starts_with(kName)) {
      constexpr std::uint64_t kBytesPerKib = 1024;
      return std::stoull(line.substr(kName.size())) * kBytesPerKib;
    }
  }
  throw std::system_error(ENOENT, std::generic_category(), "MemAvailable in /proc/meminfo");
}

void lock_memory() {
  if (mlockall(MCL_CURRENT | MCL_FUTURE) != 0) {
    throw std::system_error(errno, std::generic_category(), "lock the memory");
  }
}

std::vector<int> numa_nodes() {
  if (numa_available() < 0) {
    return {0};
  }
  std::vector<int> nodes;
  for (int node = 0; node <= numa_max_node(); ++node) {
    if (numa_bitmask_isbitset(numa_all_nodes_ptr, static_cast<unsigned>(node)) != 0) {
      nodes.push_back(node);
    }
  }
  return nodes;
}

void* NodeMemory::do_allocate(std::size_t bytes, std::size_t /*alignment*/) {
  void* memory = nullptr;
  if (node_ && numa_available() >= 0) {
    memory = numa_alloc_onnode(bytes, *node_);
  } else {
    memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    memory = memory == MAP_FAILED ? nullptr : memory;
  }
  if (memory == nullptr) {
    throw std::bad_alloc();
  }
  if (bytes >= kHugePageBytes) {
    madvise(memory, bytes, MADV_HUGEPAGE);  // only advice: small pages will do
  }
  return memory;
}

void NodeMemory::do_deallocate(void* memory, std::size_t bytes, std::size_t /*alignment*/) {
  munmap(memory, bytes);  // libnuma's numa_free() does the same
}

bool NodeMemory::do_is_equal(const std::pmr::memory_resource& other) const noexcept {
  return this == &other;
}

}  // namespace pipelab::platform
