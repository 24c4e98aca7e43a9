#include "pipeline/options.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <charconv>
#include <map>
#include <string_view>

#include "platform/cpu.hpp"
#include "version.hpp"

namespace pipelab::pipeline {
namespace {

constexpr int kUsageError = 2;

template <class Number>
std::optional<Number> number_in(std::string_view text) {
  Number number{};
  const char* const end = text.data() + text.size();
  const auto [stopped, error] = std::from_chars(text.data(), end, number);
  return error == std::errc{} && stopped == end ? std::optional(number) : std::nullopt;
}

std::string complaint(std::string_view text, std::string_view valid) {
  return fmt::format("'{}' is not valid: give {}", text, valid);
}

/// Accepts integers from `low` to `high`, or with `Number` a floating-point type any number.
template <class Number>
CLI::Validator between(Number low, Number high) {
  const auto check = [low, high](const std::string& text) {
    const std::optional<Number> number = number_in<Number>(text);
    if (number && *number >= low && *number <= high) {
      return std::string{};
    }
    constexpr std::string_view kKind = std::is_integral_v<Number> ? "an integer" : "a number";
    return complaint(text, fmt::format("{} from {} to {}", kKind, low, high));
  };
  return {check, fmt::format("{}..{}", low, high)};
}

/// Accepts the CPUs that this process may run on.
CLI::Validator available_cpu() {
  const auto check = [](const std::string& text) {
    const std::vector<int> cpus = platform::allowed_cpus();
    const std::optional<int> cpu = number_in<int>(text);
    if (cpu && std::find(cpus.begin(), cpus.end(), *cpu) != cpus.end()) {
      return std::string{};
    }
    return complaint(text, "a CPU that exists here: " + platform::cpu_list(cpus));
  };
  return {check, "CPU"};
}

/// Adds an option that takes one of the words in `values`.
template <class Enum>
void add_choice(CLI::App& app, const std::string& name, Enum& target,
                const std::map<std::string, Enum>& values, const std::string& help) {
  std::vector<std::string> words;
  std::string standard;
  for (const auto& [word, value] : values) {
    words.push_back(word);
    standard = value == target ? word : standard;
  }
  const auto check = [words](const std::string& text) {
    const bool known = std::find(words.begin(), words.end(), text) != words.end();
    return known ? std::string{} : complaint(text, fmt::format("{}", fmt::join(words, ", ")));
  };
  app.add_option_function<std::string>(
         name, [&target, values](const std::string& word) { target = values.at(word); }, help)
      ->check(CLI::Validator(check, fmt::format("{}", fmt::join(words, "|"))))
      ->type_name("WORD")
      ->default_str(standard);
}

void add_load_options(CLI::App& app, Options& options) {
  app.add_option("--duration", options.duration_s, "seconds that are measured")
      ->check(between(0.001, 86400.0));
  app.add_option("--warmup", options.warmup_s, "seconds that run before, unmeasured")
      ->check(between(0.0, 3600.0));
  app.add_option("--prod-interval-us", options.prod_interval_us,
                 "time between items; 0: as fast as possible")
      ->check(between<std::int64_t>(0, 60'000'000));
  add_choice(app, "--pacing", options.pacing,
             {{"sleep", Pacing::kSleep}, {"deadline", Pacing::kDeadline}},
             "between items: sleep for the interval, or until the item's own time");
  app.add_option("--work-bytes", options.work_bytes,
                 "bytes that the consumer reads and writes for each item")
      ->check(between<std::size_t>(0, std::size_t{1} << 30U));
  app.add_option("--seed", options.seed, "of the bytes that the consumer works on")
      ->check(between<std::uint64_t>(0, UINT64_MAX));
}

void add_thread_options(CLI::App& app, Options& options) {
  add_choice(app, "--queue", options.queue, {{"spsc", Queue::kSpsc}, {"mutex", Queue::kMutex}},
             "what joins the threads: a wait-free ring, or mutex and condition variables");
  app.add_option("--queue-cap", options.queue_cap, "items that the queue holds")
      ->check(between<std::size_t>(1, std::size_t{1} << 24U));
  add_choice(app, "--on-full", options.on_full,
             {{"drop", OnFull::kDrop}, {"block", OnFull::kBlock}},
             "when the queue is full: drop the new item, or wait for room");
  add_choice(app, "--wait", options.wait,
             {{"spin", Wait::kSpin},
              {"yield", Wait::kYield},
              {"futex", Wait::kFutex},
              {"hybrid", Wait::kHybrid}},
             "how a thread waits for the other; with the mutex queue futex means its "
             "condition variables");
  app.add_option("--pin-producer", options.pin_producer, "CPU that the producer runs on")
      ->check(available_cpu());
  app.add_option("--pin-consumer", options.pin_consumer, "CPU that the consumer runs on")
      ->check(available_cpu());
}

void add_output_options(CLI::App& app, Options& options) {
  app.add_option("--emit-latencies", options.latencies_path,
                 "write the times of the first --max-samples items (CSV)");
  app.add_option("--max-samples", options.max_samples, "items kept one by one")
      ->check(between<std::size_t>(0, 100'000'000));
  app.add_option("--emit-histogram", options.histogram_path,
                 "write how many items had which latency and response time (CSV)");
  app.add_option("--emit-hlog", options.hlog_path,
                 "write the same counts for HdrHistogram's tools (.hlog)");
  app.add_option("--stats", options.stats_path, "write the totals (key,value lines)");
}

}  // namespace

Parsed parse(int argc, const char* const* argv) {
  constexpr std::string_view kStudy = "pipeline";
  std::vector<std::string> words(argv + 1, argv + argc);
  if (!words.empty() && !words.front().starts_with('-')) {
    if (words.front() != kStudy) {
      fmt::print(stderr, "pipelab: '{}' is not a study: give {}, or options only\n", words.front(),
                 kStudy);
      return {.options = {}, .exit_code = kUsageError};
    }
    words.erase(words.begin());
  }

  Options options;
  CLI::App app("Sends items from a producer thread to a consumer thread and times each of them.");
  app.name("pipelab [pipeline]");
  app.option_defaults()->always_capture_default();
  app.set_version_flag("--version", fmt::format("pipelab {}", kVersion));
  app.get_formatter()->column_width(34);
  add_load_options(app, options);
  add_thread_options(app, options);
  add_output_options(app, options);
  app.footer(
      "Exit codes: 0 good, 1 failed, 2 wrong usage, 130 interrupted (what was measured is "
      "still written).");
  std::reverse(words.begin(), words.end());  // CLI11 wants them last first
  try {
    app.parse(words);
  } catch (const CLI::Success& done) {  // --help, --version
    return {.options = {}, .exit_code = app.exit(done)};
  } catch (const CLI::Error& error) {
    fmt::print(stderr, "pipelab: {}\n", error.what());
    return {.options = {}, .exit_code = kUsageError};
  }
  return {.options = options, .exit_code = 0};
}

}  // namespace pipelab::pipeline
