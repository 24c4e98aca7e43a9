#pragma once

#include <cstddef>
#include <cstdint>
#include <memory_resource>
#include <optional>
#include <vector>

namespace pipelab::platform {

/// How many bytes the kernel says can still be used without swapping.
std::uint64_t available_memory_bytes();

/// Keeps all memory of this process, now and later, from being paged out. Throws std::system_error
/// where the kernel refuses.
void lock_memory();

/// The NUMA nodes that have memory which this process may use, ascending; {0} where the kernel
/// knows no nodes.
std::vector<int> numa_nodes();

/// Memory in whole pages, huge ones for 2 MiB and more where the kernel has them, on one NUMA node
/// or, without a node, wherever the kernel puts it. Throws std::bad_alloc when there is not enough.
class NodeMemory : public std::pmr::memory_resource {
 public:
  explicit NodeMemory(std::optional<int> node) noexcept : node_(node) {}

 private:
  void* do_allocate(std::size_t bytes, std::size_t alignment) override;
  void do_deallocate(void* memory, std::size_t bytes, std::size_t alignment) override;
  bool do_is_equal(const std::pmr::memory_resource& other) const noexcept override;

  std::optional<int> node_;
};

}  // namespace pipelab::platform
