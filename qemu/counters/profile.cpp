#include "profile.hpp"

namespace counters {

Profile::Piece& Profile::at(std::uint64_t vaddr, std::uint64_t instructions) {
  std::vector<Piece*>& here = by_vaddr_[vaddr];
  for (Piece* piece : here) {
    if (piece->instructions == instructions) {
      return *piece;
    }
  }
  here.push_back(&pieces_.emplace_back(Piece{.vaddr = vaddr, .instructions = instructions}));
  return *here.back();
}

void Profile::begin() {
  for (Piece& piece : pieces_) {
    piece.runs_at_begin = piece.runs;
  }
}

void Profile::end() {
  for (Piece& piece : pieces_) {  // what was translated since the begin has counted from 0
    piece.runs_in_regions += piece.runs - piece.runs_at_begin;
  }
}

}  // namespace counters
