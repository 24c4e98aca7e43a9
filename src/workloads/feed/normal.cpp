#include "workloads/feed/normal.hpp"

namespace pipelab::feed {

Normal::Table::Table() noexcept {
  const auto curve = [](double x) { return std::exp(-x * x / 2); };
  // The lowest layer is as wide as a rectangle of its height that has the tail's area, too.
  width[0] = kArea / curve(kTail);
  height[0] = curve(kTail);
  inside[0] = kTail / width[0];
  double right = kTail;
  for (std::size_t layer = 1; layer < kLayers; ++layer) {
    width[layer] = right;
    const double top = curve(right) + kArea / right;
    const double next = layer + 1 < kLayers ? std::sqrt(-2 * std::log(top)) : 0;
    inside[layer] = next / right;
    height[layer] = curve(next);
    right = next;
  }
}

const Normal::Table Normal::table;

}  // namespace pipelab::feed
