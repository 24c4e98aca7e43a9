#pragma once

#include <cstdint>

#include "workloads/feed/message.hpp"

namespace pipelab::feed {

/// Which messages of a feed did not come, by their numbers.
class Gaps {
 public:
  /// Takes the number of a message. False if it, or a later one, was there before.
  bool take(Sequence sequence) noexcept {
    if (sequence != next_) [[unlikely]] {
      if (!is_known_) {
        next_ = sequence;
        is_known_ = true;
      }
      if (distance(next_, sequence) < 0) {
        ++repeated_;
        return false;
      }
      skip_to(sequence);
    }
    ++next_;
    return true;
  }

  /// Takes the number that comes next, of a message that takes none.
  void expect(Sequence next) noexcept {
    if (!is_known_) {
      next_ = next;
      is_known_ = true;
    } else if (distance(next_, next) > 0) {
      skip_to(next);
    }
  }

  std::uint64_t gaps() const noexcept { return gaps_; }          ///< in the numbers
  std::uint64_t missing() const noexcept { return missing_; }    ///< messages in all gaps
  std::uint64_t repeated() const noexcept { return repeated_; }  ///< that were there before

 private:
  void skip_to(Sequence sequence) noexcept {
    const auto many = static_cast<std::uint64_t>(distance(next_, sequence));
    gaps_ += many > 0 ? 1 : 0;
    missing_ += many;
    next_ = sequence;
  }

  Sequence next_{0};
  bool is_known_{false};
  std::uint64_t gaps_{0};
  std::uint64_t missing_{0};
  std::uint64_t repeated_{0};
};

}  // namespace pipelab::feed
