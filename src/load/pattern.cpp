#include "load/pattern.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <numeric>
#include <utility>

#include "cli/values.hpp"

namespace pipelab::load {
namespace {

using platform::Nanoseconds;
using Kind = Pattern::Kind;

/// A number and its unit, which is one of `units` and says what to multiply by.
std::optional<double> scaled(std::string_view text,
                             std::initializer_list<std::pair<std::string_view, double>> units) {
  for (const auto& [unit, scale] : units) {
    if (text.ends_with(unit)) {
      const auto number = cli::to_number<double>(text.substr(0, text.size() - unit.size()));
      return number && std::isfinite(*number) ? std::optional(*number * scale) : std::nullopt;
    }
  }
  return std::nullopt;
}

std::optional<double> to_rate(std::string_view text) {
  constexpr double kLeast = 0.001;
  constexpr double kMost = 1e9;
  if (text.starts_with('.')) {
    return std::nullopt;  // as 1...2 has it, of which nobody knows what it means
  }
  const std::optional<double> rate = scaled(text, {{"k", 1e3}, {"M", 1e6}, {"", 1}});
  return rate && *rate >= kLeast && *rate <= kMost ? rate : std::nullopt;
}

std::optional<Nanoseconds> to_duration_ns(std::string_view text) {
  constexpr double kLeast = 1e3;
  constexpr double kMost = 86'400e9;
  const std::optional<double> duration_ns = scaled(text, {{"ms", 1e6}, {"s", 1e9}});
  return duration_ns && *duration_ns >= kLeast && *duration_ns <= kMost
             ? std::optional(Nanoseconds{std::llround(*duration_ns)})
             : std::nullopt;
}

/// The parts of `text` between `separator`s; one, where there are none.
std::vector<std::string_view> split(std::string_view text, std::string_view separator) {
  std::vector<std::string_view> parts;
  for (std::size_t end = 0; (end = text.find(separator)) != std::string_view::npos;) {
    parts.push_back(text.substr(0, end));
    text.remove_prefix(end + separator.size());
  }
  parts.push_back(text);
  return parts;
}

/// Reads RATE, or RATE@DURATION where that is `timed`, to the end of the pattern's own.
bool take(std::string_view text, bool timed, Pattern& pattern) {
  const std::vector<std::string_view> parts = split(text, "@");
  const std::optional<double> rate = to_rate(parts.front());
  if (!rate || parts.size() != (timed ? 2U : 1U)) {
    return false;
  }
  pattern.rates.push_back(*rate);
  if (timed) {
    const std::optional<Nanoseconds> duration_ns = to_duration_ns(parts.back());
    pattern.durations_ns.push_back(duration_ns.value_or(0));
    return duration_ns.has_value();
  }
  return true;
}

}  // namespace

std::vector<Piece> pieces_of(const Pattern& pattern, Nanoseconds duration_ns) {
  const auto even = [](Nanoseconds length_ns, double rate) {
    return Piece{.length_ns = length_ns, .from_per_s = rate, .to_per_s = rate};
  };
  const std::vector<double>& rates = pattern.rates;
  switch (pattern.kind) {
    case Kind::kConstant:
      return {even(duration_ns, rates[0])};
    case Kind::kRamp:
      return {{.length_ns = duration_ns, .from_per_s = rates[0], .to_per_s = rates[1]}};
    case Kind::kSpike: {
      const Nanoseconds spike_ns = pattern.durations_ns[0];
      const Nanoseconds before_ns = (duration_ns - spike_ns) / 2;
      return {even(before_ns, rates[0]), even(spike_ns, rates[1]),
              even(duration_ns - spike_ns - before_ns, rates[0])};
    }
    case Kind::kStep: {
      std::vector<Piece> pieces;
      for (std::size_t step = 0; step < rates.size(); ++step) {
        pieces.push_back(even(pattern.durations_ns[step], rates[step]));
      }
      return pieces;
    }
  }
  return {};
}

std::string conflict(const Pattern& pattern, double duration_s) {
  const Nanoseconds own_ns =
      std::accumulate(pattern.durations_ns.begin(), pattern.durations_ns.end(), Nanoseconds{0});
  const double own_s = platform::to_seconds(own_ns);
  if (pattern.kind == Kind::kSpike && own_s >= duration_s) {
    return fmt::format(
        "--pattern: a spike of {} s leaves no time before and after it in a run of {} s: give a "
        "longer --duration, or a shorter spike",
        own_s, duration_s);
  }
  if (pattern.kind == Kind::kStep && own_s > duration_s) {
    return fmt::format(
        "--pattern: its steps take {} s, but the run is over after {} s: give a longer --duration, "
        "or shorter steps",
        own_s, duration_s);
  }
  return {};
}

std::optional<Pattern> to_pattern(std::string_view text) {
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos) {
    return std::nullopt;
  }
  const std::string_view word = text.substr(0, colon);
  constexpr std::array<std::pair<std::string_view, Kind>, 4> kWords{{{"constant", Kind::kConstant},
                                                                     {"ramp", Kind::kRamp},
                                                                     {"spike", Kind::kSpike},
                                                                     {"step", Kind::kStep}}};
  const auto* const known =
      std::ranges::find(kWords, word, &std::pair<std::string_view, Kind>::first);
  if (known == kWords.end()) {
    return std::nullopt;
  }
  Pattern pattern{.kind = known->second, .rates = {}, .durations_ns = {}};
  const std::vector<std::string_view> parts =
      split(text.substr(colon + 1), pattern.kind == Kind::kRamp ? ".." : ",");
  constexpr std::size_t kMostSteps = 100;
  const std::size_t wanted = pattern.kind == Kind::kConstant ? 1
                             : pattern.kind == Kind::kStep   ? std::min(parts.size(), kMostSteps)
                                                             : 2;
  if (parts.size() != wanted) {
    return std::nullopt;
  }
  for (std::size_t part = 0; part < parts.size(); ++part) {
    const bool timed = pattern.kind == Kind::kStep || (pattern.kind == Kind::kSpike && part == 1);
    if (!take(parts[part], timed, pattern)) {
      return std::nullopt;
    }
  }
  return pattern;
}

}  // namespace pipelab::load
