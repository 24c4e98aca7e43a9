#pragma once

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "cli/values.hpp"

namespace pipelab::cli {

/// What the lab is told of an option beside what values it takes; empty: nothing.
struct Meaning {
  std::string_view unit{};   ///< of its number
  std::string_view means{};  ///< what the lab does with it
  std::string_view role{};   ///< of the threads that it is about
};

/// An option of the command line. What is empty it has not.
struct Option {
  std::string name{};      ///< with its dashes
  std::string type{};      ///< in the contract: whole, number, flag, word, cpu or node
  std::string form{};      ///< of its values, in the help
  std::string valid{};     ///< what a complaint asks for instead of a value that is not valid
  std::string standard{};  ///< the value that it has when it is not given
  std::string help{};
  Meaning meaning{};
  std::string low{};                               ///< the least number that it takes
  std::string high{};                              ///< and the greatest
  std::vector<std::string> words{};                ///< which are all that it takes
  std::function<bool(const std::string&)> read{};  ///< takes a value, or says that it is not valid
  bool* flag{nullptr};                             ///< is set where it takes no value
};

/// A word that an option takes, what it stands for, and what the help says of it.
template <class Enum>
struct Choice {
  std::string word;
  Enum value;
  std::string text;
};

/// What a machine has that options can name.
struct Machine {
  std::vector<int> cpus;
  std::vector<int> numa_nodes;
  bool is_here{false};  ///< whether its files are those that this program sees
};

/// The machine that this program runs on, and one that has all that Linux could have.
Machine this_machine();
Machine any_machine();

/// The options of a command line, to which each room adds its own. What options are read into must
/// outlive them.
class Options {
 public:
  explicit Options(Machine machine) : machine_(std::move(machine)) {}

  const std::vector<Option>& all() const noexcept { return all_; }

  /// Adds an option whose value `convert` reads (an optional).
  template <class Target, class Convert>
  void add_value(Option option, Target& target, Convert convert) {
    option.read = [&target, convert](const std::string& text) {
      auto value = convert(text);
      if (!value) {
        return false;
      }
      target = *std::move(value);
      return true;
    };
    all_.push_back(std::move(option));
  }

  /// Adds an option that takes integers from `low` to `high`, or any number if `Number` is a
  /// floating-point type. An optional target has no default.
  template <class Number, class Target>
  void add_number(const std::string& name, Target& target, Number low, Number high,
                  const std::string& help, Meaning meaning = {}) {
    constexpr std::string_view kKind = std::is_integral_v<Number> ? "an integer" : "a number";
    std::string standard;
    if constexpr (std::is_convertible_v<Target, Number>) {
      standard = fmt::to_string(target);
    }
    add_value({.name = name,
               .type = std::is_integral_v<Number> ? "whole" : "number",
               .form = fmt::format("{}..{}", low, high),
               .valid = fmt::format("{} from {} to {}", kKind, low, high),
               .standard = std::move(standard),
               .help = help,
               .meaning = meaning,
               .low = fmt::to_string(low),
               .high = fmt::to_string(high)},
              target, [low, high](std::string_view text) {
                const std::optional<Number> number = to_number<Number>(text);
                return number && *number >= low && *number <= high ? number : std::nullopt;
              });
  }

  /// Adds an option that takes one of some words, which the help lists behind what it says of all.
  /// An optional target has the first word as its default.
  template <class Enum, class Target>
  void add_choice(const std::string& name, Target& target, const std::vector<Choice<Enum>>& choices,
                  const std::string& help, Meaning meaning = {}) {
    std::vector<std::string> words;
    std::vector<std::string> texts;
    std::string standard = choices.front().word;
    for (const Choice<Enum>& each : choices) {
      words.push_back(each.word);
      texts.push_back(fmt::format("{} ({})", each.word, each.text));
      standard = each.value == target ? each.word : standard;
    }
    add_value({.name = name,
               .type = "word",
               .form = fmt::format("{}", fmt::join(words, "|")),
               .valid = fmt::format("{}", fmt::join(words, ", ")),
               .standard = std::move(standard),
               .help = fmt::format("{}: {}", help, fmt::join(texts, ", ")),
               .meaning = meaning,
               .words = words},
              target, [choices](const std::string& word) {
                const auto found = std::ranges::find(choices, word, &Choice<Enum>::word);
                return found == choices.end() ? std::nullopt : std::optional(found->value);
              });
  }

  /// Adds an option that is set when it is given.
  void add_flag(std::string name, bool& target, std::string help);

  /// Adds an option that takes the path of a file, and is not in the contract.
  void add_path(std::string name, std::string& target, std::string help);

  /// Adds an option that takes a folder, which must be there if the machine is here, and is not in
  /// the contract.
  void add_folder(std::string name, std::string& target, std::string help);

  /// Adds an option that takes a CPU of the machine.
  void add_cpu(std::string name, std::optional<int>& target, std::string help,
               Meaning meaning = {});

  /// Adds an option that takes a NUMA node of the machine.
  void add_node(std::string name, std::optional<int>& target, std::string help);

 private:
  void add_member(Option option, std::optional<int>& target, const std::vector<int>& members,
                  std::string_view what);

  Machine machine_;
  std::vector<Option> all_;
};

}  // namespace pipelab::cli
