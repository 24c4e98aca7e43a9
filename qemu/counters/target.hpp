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

/// How loads and stores are counted: each at its own cost.
enum class Accesses : std::uint8_t {
  kByKind,    ///< instructions, by what `kind` says
  kByFilter,  ///< accesses, by generated code, which does not see those of QEMU's own helpers
  kByCall     ///< accesses, by a call for each
};

/// What the counters need to know of a guest's architecture. The functions take an instruction's
/// bytes, or an address.
struct Target {
  std::string_view name;

  /// The code of a mark (see src/platform/marker.hpp): 2 * region for a begin, 2 * region + 1 for
  /// an end; nothing for every other instruction.
  std::optional<unsigned> (*mark)(const std::uint8_t* code, std::size_t size);

  Kind (*kind)(const std::uint8_t* code, std::size_t size);

  Accesses accesses;

  /// True for the kernel's half of the address space.
  bool (*is_kernel)(std::uint64_t vaddr);
};

/// The target that QEMU calls `name`, or null.
const Target* find_target(std::string_view name);

}  // namespace counters
