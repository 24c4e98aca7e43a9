#pragma once

#include <fmt/format.h>

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "cli/values.hpp"
#include "load/options.hpp"

namespace pipelab::load {

/// The words of a `--fault`, and what each means: a `Fault::What`.
template <class Fault>
using FaultWords = std::initializer_list<std::pair<std::string_view, typename Fault::What>>;

/// Reads what goes wrong in a run on purpose: `WORD@S`, of the words `once`, S seconds after the
/// begin of what is measured (0 to 86400), or `WORD:N`, of the words `often`, with every Nth item
/// (from 1 to a thousand million). A Fault has `what`, `at_s`, and `every` where there are words of
/// that kind. Nothing if `text` is none of them.
template <class Fault>
std::optional<Fault> to_fault(std::string_view text, FaultWords<Fault> once,
                              FaultWords<Fault> often = {}) {
  constexpr double kMostSeconds = 86'400;
  constexpr std::int64_t kMostEvery = 1'000'000'000;
  Fault fault{};
  if (const std::size_t at = text.find('@'); at != std::string_view::npos) {
    const std::optional<double> at_s = cli::to_number<double>(text.substr(at + 1));
    for (const auto& [word, what] : once) {
      if (text.substr(0, at) == word && at_s && *at_s >= 0 && *at_s <= kMostSeconds) {
        fault.what = what;
        fault.at_s = *at_s;
        return fault;
      }
    }
  }
  if constexpr (requires { fault.every; }) {
    for (const auto& [word, what] : often) {
      const std::vector<std::int64_t> numbers = cli::numbers_of(text, word);
      if (numbers.size() == 1 && numbers.front() <= kMostEvery) {
        fault.what = what;
        fault.every = static_cast<std::uint64_t>(numbers.front());
        return fault;
      }
    }
  }
  return std::nullopt;
}

/// What is wrong with a fault that comes once, in a run of that load; empty if nothing is.
template <class Fault>
std::string conflict(const std::optional<Fault>& fault, const Options& load) {
  return fault && fault->at_s >= load.duration_s
             ? fmt::format(
                   "--fault: that would be at {} s, but the run is over after {} s: give a "
                   "longer --duration, or an earlier time",
                   fault->at_s, load.duration_s)
             : "";
}

}  // namespace pipelab::load
