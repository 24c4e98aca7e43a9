#include "load/options.hpp"

#include <fmt/format.h>

#include <vector>

namespace pipelab::load {

void add_options(cli::Options& all, Options& options) {
  all.add_number("--duration", options.duration_s, 0.001, 86400.0, "seconds that are measured",
                 {.unit = "s", .means = "duration"});
  all.add_number("--warmup", options.warmup_s, 0.0, 3600.0, "seconds that run before, unmeasured",
                 {.unit = "s", .means = "warmup"});
  all.add_number("--prod-interval-us", options.interval_us, 0.0, 60'000'000.0,
                 "time between items, of all threads that make them together, to the nanosecond; "
                 "0: as fast as possible",
                 {.unit = "us", .means = "interval"});
  all.add_value({.name = "--arrival",
                 .type = "word",
                 .form = "constant|poisson|burst:N,PAUSE_US",
                 .valid = "constant, poisson, or burst:N,PAUSE_US (each at least 1)",
                 .standard = "constant",
                 .help = "items one interval apart, that on average, or N of them and then a pause",
                 .meaning = {.means = "arrival"}},
                options.arrival, to_arrival);
  all.add_value({.name = "--pattern",
                 .type = "word",
                 .form = "constant:R|ramp:R..R|spike:R,R@T|step:R@T,...",
                 .valid = "constant:RATE, ramp:RATE..RATE, spike:RATE,RATE@TIME, or "
                          "step:RATE@TIME,... of at most 100 steps (rates from 0.001 to 1000M "
                          "items a second, such as "
                          "500, 20k or 1.5M; times such as 200ms or 1s)",
                 .help = "in place of an interval: items a second, of all threads together, always "
                         "the same, changing evenly, with a spike in the middle, or step by step",
                 .meaning = {.means = "pattern"}},
                options.pattern, to_pattern);
  all.add_choice<Pacing>("--pacing", options.pacing,
                         {{"deadline", Pacing::kDeadline, "sleep until the item's own time"},
                          {"spin", Pacing::kSpin, "spin until then"},
                          {"sleep", Pacing::kSleep, "sleep for the interval, and fall behind"}},
                         "what is done between items", {.means = "waiting"});
  all.add_number<std::uint64_t>("--seed", options.seed, 0, UINT64_MAX,
                                "of the bytes that are worked on, and of random arrivals",
                                {.means = "seed"});
}

std::string conflict(const Options& options) {
  constexpr double kLeastIntervalUs = 0.001;
  if (options.pattern) {
    if (options.interval_us != Options{}.interval_us) {
      return "--pattern: has rates of its own: leave out --prod-interval-us";
    }
    if (options.arrival.pattern == Arrival::Pattern::kBurst) {
      return "--arrival: bursts have no rate that a pattern could change: give constant or poisson";
    }
    return conflict(*options.pattern, options.duration_s);
  }
  if (options.arrival.pattern == Arrival::Pattern::kPoisson && options.interval_us == 0) {
    return "--arrival: 'poisson' needs an interval: give --prod-interval-us of more than 0";
  }
  if (options.interval_us > 0 && options.interval_us < kLeastIntervalUs) {
    return fmt::format("--prod-interval-us: '{}' is less than a nanosecond: give 0 or at least {}",
                       options.interval_us, kLeastIntervalUs);
  }
  return {};
}

std::optional<Arrival> to_arrival(std::string_view text) {
  if (text == "constant") {
    return Arrival{};
  }
  if (text == "poisson") {
    return Arrival{.pattern = Arrival::Pattern::kPoisson};
  }
  const std::vector<std::int64_t> numbers = cli::numbers_of(text, "burst");
  if (numbers.size() != 2) {
    return std::nullopt;
  }
  return Arrival{
      .pattern = Arrival::Pattern::kBurst, .burst_items = numbers.at(0), .pause_us = numbers.at(1)};
}

}  // namespace pipelab::load
