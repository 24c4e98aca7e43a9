#include "workloads/ingress/seats.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace pipelab::ingress {

Seats::Seats(const Options& options) : steps_(options.producers) {
  for (std::size_t which = 0; which < options.producers; ++which) {
    seats_.emplace_back(options.share());
  }
}

void Seats::close() noexcept {
  closed_.store(true, std::memory_order_release);
  std::ranges::for_each(seats_, &Seat::wake);
}

std::optional<std::uint64_t> Seats::progress() {
  std::uint64_t done = 0;
  bool outstanding = false;
  for (std::size_t which = 0; which < size(); ++which) {
    const std::uint64_t done_here = seats_[which].done();  // first: it never overtakes the other
    steps_[which] = seats_[which].step();
    done += done_here;
    outstanding = outstanding || (steps_[which] + 1) / 2 > done_here;
  }
  return outstanding ? std::optional(done) : std::nullopt;
}

std::string Seats::stall(bool loop_sleeps) const {
  std::uint64_t outstanding = 0;
  std::optional<std::size_t> within;
  for (std::size_t which = 0; which < size(); ++which) {
    const std::uint64_t step = seats_[which].step();
    outstanding += (step + 1) / 2 - seats_[which].done();
    if (step % 2 == 1 && step == steps_[which]) {
      within = within.value_or(which);
    }
  }
  const std::string state =
      fmt::format("{} task{} submitted and not done, and the loop {}", outstanding,
                  outstanding == 1 ? " is" : "s are", loop_sleeps ? "sleeps" : "is awake");
  if (within) {
    return fmt::format("producer-{} does not come back from a submit: {}", *within, state);
  }
  if (loop_sleeps) {
    return fmt::format("a wake-up of the loop was lost: {}", state);
  }
  return fmt::format("the loop does not come back from a task: {}", state);
}

}  // namespace pipelab::ingress
