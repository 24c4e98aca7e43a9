#include "cli/contract.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <string_view>

namespace pipelab::cli {
namespace {

/// `text` as a value of TOML, of an option of `type`. None of the texts here has a quote or a
/// backslash.
std::string toml(std::string_view text, std::string_view type) {
  if (type == "whole" || type == "flag") {
    return std::string(text);
  }
  if (type == "number") {
    return fmt::format("{}{}", text, text.find('.') == std::string_view::npos ? ".0" : "");
  }
  return fmt::format("\"{}\"", text);
}

std::string table(const Option& option) {
  constexpr std::string_view kDashes = "--";
  std::string lines = fmt::format("[options.{}]\n", option.name.substr(kDashes.size()));
  const auto add = [&lines](std::string_view key, std::string_view text, std::string_view type) {
    if (!text.empty()) {
      lines += fmt::format("{} = {}\n", key, toml(text, type));
    }
  };
  add("type", option.type, "word");
  add("low", option.low, option.type);
  add("high", option.high, option.type);
  if (!option.words.empty()) {
    lines += fmt::format("values = [\"{}\"]\n", fmt::join(option.words, "\", \""));
  } else if (option.type == "word") {
    add("form", option.form, "word");
  }
  add("unit", option.meaning.unit, "word");
  add("default", option.standard, option.type);
  add("means", option.meaning.means, "word");
  add("role", option.meaning.role, "word");
  add("help", option.help, "word");
  return lines;
}

}  // namespace

std::string contract(std::span<const Option> options) {
  std::string tables;
  for (const Option& option : options) {
    if (!option.type.empty()) {
      tables += fmt::format("{}{}", tables.empty() ? "" : "\n", table(option));
    }
  }
  return tables;
}

}  // namespace pipelab::cli
