#include "channel/payload.hpp"

#include <algorithm>
#include <cstring>

namespace pipelab::channel {

void PayloadWriter::write(Payload target) noexcept {
  ++number_;
  if (own_.empty()) {
    std::ranges::fill(target, number_);
  } else {
    std::ranges::fill(own_, number_);
    std::memcpy(target.data(), own_.data(), target.size_bytes());
  }
}

void PayloadReader::get(Payload source) noexcept {
  current_ = source;
  if (!own_.empty()) {
    std::memcpy(own_.data(), source.data(), source.size_bytes());
    current_ = own_;
  }
}

void PayloadReader::read() noexcept {
  const std::uint64_t number = current_.front();
  std::uint64_t differences = 0;
  for (const std::uint64_t word : current_) {
    differences |= word ^ number;
  }
  if (differences != 0 || number <= last_) {
    ++faults_;
  }
  last_ = number;
}

}  // namespace pipelab::channel
