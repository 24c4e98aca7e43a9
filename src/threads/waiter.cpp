#include "threads/waiter.hpp"

#include <utility>

namespace pipelab::threads {

std::optional<Wait> to_wait(std::string_view text) noexcept {
  for (const auto& [word, wait] :
       {std::pair{"spin", Wait::kSpin}, std::pair{"yield", Wait::kYield},
        std::pair{"futex", Wait::kFutex}, std::pair{"hybrid", Wait::kHybrid},
        std::pair{"adaptive", Wait::kAdaptive}, std::pair{"counted", Wait::kCounted},
        std::pair{"long-spin", Wait::kLongSpin}}) {
    if (text == word) {
      return wait;
    }
  }
  return std::nullopt;
}

}  // namespace pipelab::threads
