#include "workloads/pipeline/option_values.hpp"

#include <cstdint>
#include <vector>

namespace pipelab::pipeline {
namespace {

/// The numbers between the commas of what follows `name` and a colon; none if `text` is not so.
std::vector<std::int64_t> numbers_of(std::string_view text, std::string_view name) {
  if (!text.starts_with(name) || text.substr(name.size()).substr(0, 1) != ":") {
    return {};
  }
  constexpr std::int64_t kMost = 86'400'000'000;  // a day of microseconds
  std::vector<std::int64_t> numbers;
  std::string_view rest = text.substr(name.size() + 1);
  for (bool more = true; more;) {
    const std::size_t comma = rest.find(',');
    const std::optional<std::int64_t> number = to_number<std::int64_t>(rest.substr(0, comma));
    if (!number || *number < 1 || *number > kMost) {
      return {};
    }
    numbers.push_back(*number);
    more = comma != std::string_view::npos;
    rest.remove_prefix(more ? comma + 1 : rest.size());
  }
  return numbers;
}

}  // namespace

std::optional<load::Arrival> to_arrival(std::string_view text) {
  using load::Arrival;
  using Pattern = Arrival::Pattern;
  if (text == "constant") {
    return Arrival{};
  }
  if (text == "poisson") {
    return Arrival{.pattern = Pattern::kPoisson};
  }
  const std::vector<std::int64_t> numbers = numbers_of(text, "burst");
  if (numbers.size() != 2) {
    return std::nullopt;
  }
  return Arrival{
      .pattern = Pattern::kBurst, .burst_items = numbers.at(0), .pause_us = numbers.at(1)};
}

std::optional<platform::Scheduling> to_scheduling(std::string_view text) {
  using platform::Scheduling;
  constexpr std::int64_t kMostPriority = 99;
  constexpr std::int64_t kLeastRuntimeUs = 2;  // the kernel's own limit is 1024 ns
  if (text == "other") {
    return Scheduling{};
  }
  for (const auto& [name, klass] : {std::pair{"fifo", Scheduling::Class::kFifo},
                                    std::pair{"rr", Scheduling::Class::kRoundRobin}}) {
    const std::vector<std::int64_t> numbers = numbers_of(text, name);
    if (numbers.size() == 1 && numbers.front() <= kMostPriority) {
      return Scheduling{.klass = klass, .priority = static_cast<std::uint32_t>(numbers.front())};
    }
  }
  const std::vector<std::int64_t> times_us = numbers_of(text, "deadline");
  if (times_us.size() != 3 || times_us[0] < kLeastRuntimeUs || times_us[1] < times_us[0] ||
      times_us[2] < times_us[1]) {
    return std::nullopt;
  }
  return Scheduling{.klass = Scheduling::Class::kDeadline,
                    .runtime_ns = times_us[0] * platform::kNanosecondsPerMicrosecond,
                    .deadline_ns = times_us[1] * platform::kNanosecondsPerMicrosecond,
                    .period_ns = times_us[2] * platform::kNanosecondsPerMicrosecond};
}

}  // namespace pipelab::pipeline
