#include "command_line.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cctype>
#include <cstdio>
#include <iostream>
#include <iterator>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cli/contract.hpp"
#include "version.hpp"

namespace pipelab {
namespace {

constexpr int kUsageError = 2;
constexpr std::string_view kCheck = "--check";
constexpr std::string_view kCheckLines = "--check-lines";

bool contains(const std::vector<std::string>& words, std::string_view word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

std::vector<std::string_view> names_of(std::span<const Entry> workloads) {
  std::vector<std::string_view> names(workloads.size());
  std::ranges::transform(workloads, names.begin(), &Entry::name);
  return names;
}

/// The options of a workload, as they are being read.
class CommandLine {
 public:
  CommandLine(const Entry& entry, std::span<const Entry> workloads, cli::Machine machine)
      : workload_(entry.make()),
        options_(std::move(machine)),
        app_(std::string(workload_->description())) {
    load::add_options(options_, kit_.load);
    workload_->add_options(options_);
    threads::add_options(options_, kit_.threads);
    record::add_options(options_, kit_.record);
    const std::string_view usual = workloads.front().name;
    app_.name(
        fmt::format(fmt::runtime(entry.name == usual ? "pipelab [{}]" : "pipelab {}"), entry.name));
    app_.set_version_flag("--version", fmt::format("pipelab {}", kVersion));
    app_.get_formatter()->column_width(34);
    std::ranges::for_each(options_.all(), [this](const auto& option) { add(option); });
    app_.add_flag(std::string(kCheck), check_,
                  "only say what is wrong with these options, on whatever machine they are to run");
    app_.add_flag(std::string(kCheckLines), check_lines_,
                  "the same for each line of options on standard input: print 'NUMBER: COMPLAINT' "
                  "for those that are wrong");
    app_.add_flag("--contract", contract_, "only print what these options are (TOML)");
    app_.footer(fmt::format(
        "Workloads, each with options of its own (pipelab WORKLOAD --help): {}; without a name "
        "{}.\n"
        "Exit codes: 0 good, 1 failed, 2 wrong usage, 130 interrupted (what was measured is "
        "still written).",
        fmt::join(names_of(workloads), ", "), usual));
  }

  /// Reads options; returns what is wrong with them, or nothing. Throws CLI::Success on --help.
  std::string read(std::vector<std::string> words) {
    if (words.size() > 1 && contains(words, kCheckLines)) {
      return fmt::format("{}: takes its options from standard input: give it alone", kCheckLines);
    }
    std::reverse(words.begin(), words.end());  // CLI11 wants them last first
    try {
      app_.parse(words);
    } catch (const CLI::Success&) {
      throw;
    } catch (const CLI::ExtrasError&) {
      return fmt::format("'{}' is no option: see --help", app_.remaining().front());
    } catch (const CLI::ArgumentMismatch& error) {
      const auto twice = std::ranges::find_if(options_.all(), [&](const cli::Option& option) {
        return app_.get_option(option.name)->results().size() > 1;
      });
      const std::string text = error.what();  // "--duration: 1 required ..."
      return twice == options_.all().end()
                 ? fmt::format("{}: needs a value: see --help", text.substr(0, text.find(':')))
                 : fmt::format("{}: is given twice: give it once", twice->name);
    } catch (const CLI::ConversionError& error) {  // of flags alone: all else is read here
      const std::string text = error.what();       // "Could not convert: --mlock = maybe"
      const std::size_t name = text.find("--");
      return fmt::format("{}: takes no value: give it alone",
                         text.substr(name, text.find(' ', name) - name));
    } catch (const CLI::Error& error) {
      return error.what();
    }
    for (const std::string& reason :
         {workload_->conflict(kit_), load::conflict(kit_.load), record::conflict(kit_.record)}) {
      if (!reason.empty()) {
        return reason;
      }
    }
    return {};
  }

  int exit(const CLI::Success& done) { return app_.exit(done); }

  /// What is to be done, once the options were read.
  Parsed parsed() && {
    if (contract_) {
      fmt::print("{}", cli::contract(options_.all()));
    }
    return check_ || contract_ ? Parsed{}
                               : Parsed{.workload = std::move(workload_), .kit = std::move(kit_)};
  }

 private:
  void add(const cli::Option& option) {
    if (option.flag != nullptr) {
      app_.add_flag(option.name, *option.flag, option.help);
      return;
    }
    const auto check = [&option](const std::string& text) {
      return option.read(text) ? std::string{}
                               : fmt::format("'{}' is not valid: give {}", text, option.valid);
    };
    app_.add_option_function<std::string>(
            option.name, [](const std::string& /*text*/) {}, option.help)
        ->check(CLI::Validator(check, std::string{}))
        ->type_name(option.form)
        ->default_str(option.standard);
  }

  std::unique_ptr<Workload> workload_;
  Kit kit_;
  bool check_{false};
  bool check_lines_{false};
  bool contract_{false};
  cli::Options options_;
  CLI::App app_;
};

/// Takes the workload's name off `words`, if there is one; null when there is none of that name.
const Entry* take_entry(std::vector<std::string>& words, std::span<const Entry> workloads) {
  if (words.empty() || words.front().starts_with('-')) {
    return workloads.data();
  }
  const auto found = std::ranges::find(workloads, words.front(), &Entry::name);
  if (found == workloads.end()) {
    return nullptr;
  }
  words.erase(words.begin());
  return &*found;
}

std::string unknown(std::string_view word, std::span<const Entry> workloads) {
  return fmt::format("'{}' is not a workload: give {}, or options only", word,
                     fmt::join(names_of(workloads), ", "));
}

/// Prints what is wrong with each line of `lines`; returns the program's exit code.
int check_lines(std::istream& lines, std::span<const Entry> workloads) {
  const cli::Machine machine = cli::any_machine();
  int exit_code = 0;
  std::string line;
  for (int number = 1; std::getline(lines, line); ++number) {
    std::istringstream stream(line);
    std::vector<std::string> words{std::istream_iterator<std::string>(stream), {}};
    std::string reason;
    try {
      const Entry* const entry = take_entry(words, workloads);
      reason = entry != nullptr ? CommandLine(*entry, workloads, machine).read(std::move(words))
                                : unknown(words.front(), workloads);
    } catch (const CLI::Success&) {  // --help: nothing to run
      reason = "has nothing to run: leave out --help and --version";
    }
    if (!reason.empty()) {
      fmt::print("{}: {}\n", number, reason);
      exit_code = kUsageError;
    }
  }
  return exit_code;
}

Parsed ended(int exit_code) { return {.workload = {}, .kit = {}, .exit_code = exit_code}; }

/// One line, whatever was given.
Parsed refused(std::string reason) {
  std::ranges::replace_if(
      reason, [](unsigned char letter) { return std::iscntrl(letter) != 0; }, '?');
  static_cast<void>(std::fprintf(stderr, "pipelab: %s\n", reason.c_str()));
  return ended(kUsageError);
}

}  // namespace

Parsed parse(int argc, const char* const* argv, std::span<const Entry> workloads) {
  std::vector<std::string> words(argv + 1, argv + argc);
  const Entry* const entry = take_entry(words, workloads);
  if (entry == nullptr) {
    return refused(unknown(words.front(), workloads));
  }
  const bool lines = contains(words, kCheckLines);
  const bool here = !lines && !contains(words, kCheck);
  CommandLine command_line(*entry, workloads, here ? cli::this_machine() : cli::any_machine());
  try {
    const std::string reason = command_line.read(std::move(words));
    if (!reason.empty()) {
      return refused(reason);
    }
  } catch (const CLI::Success& done) {  // --help, --version
    return ended(command_line.exit(done));
  }
  return lines ? ended(check_lines(std::cin, workloads)) : std::move(command_line).parsed();
}

}  // namespace pipelab
