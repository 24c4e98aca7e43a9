#include "workloads/exchange/word.hpp"

#include <fmt/format.h>

#include "workloads/exchange/connection.hpp"

namespace pipelab::exchange {

void Word::check(std::uint64_t before, std::size_t payload_words) const {
  if (turn() != before + 1) {
    throw CallFailed(
        CallFailed::Why::kBroken,
        fmt::format("the other side says that this is turn {}, not {}: it overwrote the sequence",
                    turn(), before + 1));
  }
  if (kind() != Kind::kRequest && kind() != Kind::kReply && kind() != Kind::kClose) {
    throw CallFailed(
        CallFailed::Why::kBroken,
        fmt::format("in turn {} the other side says {}, which is no request, reply or close",
                    turn(), bits() & kKinds));
  }
  if (words() != payload_words) {
    throw CallFailed(
        CallFailed::Why::kBroken,
        fmt::format("in turn {} the other side says that its payload has {} words, not {}", turn(),
                    words(), payload_words));
  }
}

}  // namespace pipelab::exchange
