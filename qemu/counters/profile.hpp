#pragma once

#include <cstdint>
#include <deque>
#include <unordered_map>
#include <vector>

namespace counters {

/// How often each straight piece of code was run in marked regions, for vCPUs that run in turn.
class Profile {
 public:
  /// `instructions` in a row from `vaddr`, of which generated code counts up `runs`.
  struct Piece {
    std::uint64_t vaddr;
    std::uint64_t instructions;
    std::uint64_t runs{0};
    std::uint64_t runs_at_begin{0};
    std::uint64_t runs_in_regions{0};
  };

  /// The piece there; its place in memory does not change.
  Piece& at(std::uint64_t vaddr, std::uint64_t instructions);

  void begin();
  void end();

  const std::deque<Piece>& pieces() const { return pieces_; }

 private:
  std::deque<Piece> pieces_;
  std::unordered_map<std::uint64_t, std::vector<Piece*>> by_vaddr_;
};

}  // namespace counters
