#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace counters {

/// What an instruction does, as far as it matters here.
struct Kind {
  bool loads{false};
  bool stores{false};
  /// It may end its block early (a fault, an access to a device), so that those behind it must not
  /// be counted with it.
  bool may_stop{true};
};

/// What the counters need to know of a guest's architecture. The functions take an instruction's
/// bytes, or an address.
struct Target {
  std::string_view name;

  /// The code of a mark (see src/platform/marker.hpp): 2 * region for a begin, 2 * region + 1 for
  /// an end; nothing for every other instruction.
  std::optional<unsigned> (*mark)(const std::uint8_t* code, std::size_t size);

  Kind (*kind)(const std::uint8_t* code, std::size_t size);

  /// False where `kind` knows nothing of loads and stores; then each memory access is counted as it
  /// happens.
  bool kind_tells_accesses;

  /// True for the kernel's half of the address space.
  bool (*is_kernel)(std::uint64_t vaddr);
};

/// The target that QEMU calls `name`, or null.
const Target* find_target(std::string_view name);

}  // namespace counters
