#include "pipeline/options.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <map>
#include <string_view>

#include "pipeline/option_values.hpp"
#include "platform/cpu.hpp"
#include "platform/memory.hpp"
#include "version.hpp"

namespace pipelab::pipeline {
namespace {

constexpr int kUsageError = 2;
constexpr double kLeastIntervalUs = 0.001;

std::string complaint(std::string_view text, std::string_view valid) {
  return fmt::format("'{}' is not valid: give {}", text, valid);
}

/// Adds an option whose value `convert` reads (an optional). `form` describes a value in the help,
/// `valid` in complaints.
template <class Target, class Convert>
CLI::Option* add_value(CLI::App& app, const std::string& name, Target& target, Convert convert,
                       const std::string& form, const std::string& valid, const std::string& help) {
  const auto check = [convert, valid](const std::string& text) {
    return convert(text) ? std::string{} : complaint(text, valid);
  };
  return app
      .add_option_function<std::string>(
          name, [&target, convert](const std::string& text) { target = *convert(text); }, help)
      ->check(CLI::Validator(check, std::string{}))
      ->type_name(form);
}

/// Adds an option that takes integers from `low` to `high`, or any number if `Number` is a
/// floating-point type. An optional target has no default.
template <class Number, class Target>
void add_number(CLI::App& app, const std::string& name, Target& target, Number low, Number high,
                const std::string& help) {
  const auto convert = [low, high](const std::string& text) {
    const std::optional<Number> number = to_number<Number>(text);
    return number && *number >= low && *number <= high ? number : std::nullopt;
  };
  constexpr std::string_view kKind = std::is_integral_v<Number> ? "an integer" : "a number";
  CLI::Option* const option =
      add_value(app, name, target, convert, fmt::format("{}..{}", low, high),
                fmt::format("{} from {} to {}", kKind, low, high), help);
  if constexpr (std::is_convertible_v<Target, Number>) {
    option->default_str(fmt::to_string(target));
  }
}

/// Adds an option that takes one of the integers `members`, `what` that exist here.
void add_member(CLI::App& app, const std::string& name, std::optional<int>& target,
                const std::vector<int>& members, const std::string& what, const std::string& help) {
  const auto convert = [members](const std::string& text) {
    const std::optional<int> number = to_number<int>(text);
    const bool there =
        number && std::find(members.begin(), members.end(), *number) != members.end();
    return there ? number : std::nullopt;
  };
  add_value(app, name, target, convert, platform::cpu_list(members),
            fmt::format("a {} that exists here: {}", what, platform::cpu_list(members)), help);
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
  const auto convert = [values](const std::string& word) {
    const auto found = values.find(word);
    return found == values.end() ? std::nullopt : std::optional(found->second);
  };
  add_value(app, name, target, convert, fmt::format("{}", fmt::join(words, "|")),
            fmt::format("{}", fmt::join(words, ", ")), help)
      ->default_str(standard);
}

void add_load_options(CLI::App& app, Options& options) {
  add_number(app, "--duration", options.duration_s, 0.001, 86400.0, "seconds that are measured");
  add_number(app, "--warmup", options.warmup_s, 0.0, 3600.0, "seconds that run before, unmeasured");
  add_number(app, "--prod-interval-us", options.prod_interval_us, 0.0, 60'000'000.0,
             "time between items, to the nanosecond; 0: as fast as possible");
  add_value(app, "--arrival", options.arrival, to_arrival, "constant|poisson|burst:N,PAUSE_US",
            "constant, poisson, or burst:N,PAUSE_US (each at least 1)",
            "items one interval apart, that on average, or N of them and then a pause")
      ->default_str("constant");
  add_choice(app, "--pacing", options.pacing,
             {{"sleep", Pacing::kSleep}, {"deadline", Pacing::kDeadline}, {"spin", Pacing::kSpin}},
             "between items: sleep for the interval, or sleep or spin until the item's own time");
  add_number<std::size_t>(app, "--item-bytes", options.item_bytes, 0, std::size_t{1} << 20U,
                          "payload that travels with each item, a multiple of 8");
  app.add_flag("--zero-copy", options.zero_copy,
               "write and read the payload in the queue's own memory");
  add_number<std::size_t>(app, "--work-bytes", options.work_bytes, 0, std::size_t{1} << 30U,
                          "bytes that the consumer reads and writes for each item");
  add_number<std::uint64_t>(app, "--seed", options.seed, 0, UINT64_MAX,
                            "of the bytes that are worked on, and of random arrivals");
}

void add_queue_options(CLI::App& app, Options& options) {
  add_choice(app, "--queue", options.queue, {{"spsc", Queue::kSpsc}, {"mutex", Queue::kMutex}},
             "what joins the threads: a wait-free ring, or mutex and condition variables");
  add_number<std::size_t>(app, "--queue-cap", options.queue_cap, 1, std::size_t{1} << 24U,
                          "items that the queue holds");
  add_number<std::size_t>(app, "--batch", options.batch, 1, std::size_t{1} << 24U,
                          "items that one side tells the other of at once");
  add_choice(
      app, "--on-full", options.on_full,
      {{"drop", OnFull::kDrop}, {"block", OnFull::kBlock}, {"overwrite", OnFull::kOverwrite}},
      "when the queue is full: drop the new item, wait for room, or drop the oldest item");
  add_choice(app, "--wait", options.wait,
             {{"spin", Wait::kSpin},
              {"yield", Wait::kYield},
              {"futex", Wait::kFutex},
              {"hybrid", Wait::kHybrid}},
             "how a thread waits for the other; with the mutex queue futex means its "
             "condition variables");
}

void add_thread_options(CLI::App& app, Options& options) {
  const std::vector<int> cpus = platform::allowed_cpus();
  add_member(app, "--pin-producer", options.pin_producer, cpus, "CPU",
             "CPU that the producer runs on");
  add_member(app, "--pin-consumer", options.pin_consumer, cpus, "CPU",
             "CPU that the consumer runs on");
  add_value(app, "--sched", options.scheduling, to_scheduling, "other|fifo:P|rr:P|deadline:R,D,P",
            "other, fifo:P or rr:P (1 to 99), or deadline:R,D,P (microseconds, 2 <= R <= D <= P)",
            "both threads' scheduling class, with priority (1 to 99), or runtime, deadline and "
            "period (microseconds)")
      ->default_str("other");
  add_number<std::int64_t>(app, "--timer-slack-ns", options.timer_slack_ns, 1, 1'000'000'000,
                           "how late the kernel may wake a thread to save wake-ups");
  add_member(app, "--numa-node", options.numa_node, platform::numa_nodes(), "NUMA node",
             "NUMA node that the queue's memory comes from");
  app.add_flag("--mlock", options.mlock, "keep all memory from being paged out");
}

void add_output_options(CLI::App& app, Options& options) {
  app.add_option("--emit-latencies", options.latencies_path,
                 "write the times of items one by one (CSV)");
  add_number<std::size_t>(app, "--sample-every", options.sample_every, 1, 1'000'000'000,
                          "of so many items one is written");
  add_number<std::size_t>(app, "--max-samples", options.max_samples, 0, 100'000'000,
                          "until there are so many");
  app.add_option("--emit-histogram", options.histogram_path,
                 "write how many items had which latency and response time (CSV)");
  app.add_option("--emit-hlog", options.hlog_path,
                 "write the same counts for HdrHistogram's tools (.hlog)");
  app.add_option("--stats", options.stats_path, "write the totals (key,value lines)");
}

/// What is wrong with the options together; empty if nothing is.
std::string conflict(const Options& options) {
  const bool overwrites = options.on_full == OnFull::kOverwrite;
  if (options.batch > options.queue_cap) {
    return fmt::format(
        "--batch: '{}' is more than the {} items that --queue-cap lets the queue hold: "
        "give at most that",
        options.batch, options.queue_cap);
  }
  if (options.batch > 1 && (overwrites || options.queue == Queue::kMutex)) {
    return "--batch: works with --queue spsc and --on-full drop or block only";
  }
  if (options.item_bytes % sizeof(std::uint64_t) != 0) {
    return fmt::format("--item-bytes: '{}' is not valid: give a multiple of 8", options.item_bytes);
  }
  if (options.zero_copy && options.item_bytes == 0) {
    return "--zero-copy: there is nothing to copy: give --item-bytes as well";
  }
  if (options.arrival.pattern == Arrival::Pattern::kPoisson && options.prod_interval_us == 0) {
    return "--arrival: 'poisson' needs an interval: give --prod-interval-us of more than 0";
  }
  if (options.prod_interval_us > 0 && options.prod_interval_us < kLeastIntervalUs) {
    return fmt::format("--prod-interval-us: '{}' is less than a nanosecond: give 0 or at least {}",
                       options.prod_interval_us, kLeastIntervalUs);
  }
  if (options.scheduling.klass == platform::Scheduling::Class::kDeadline &&
      (options.pin_producer || options.pin_consumer)) {
    return "--sched: Linux lets no pinned thread into the deadline class: leave out --pin-producer "
           "and --pin-consumer";
  }
  return {};
}

Parsed refuse(std::string_view reason) {
  fmt::print(stderr, "pipelab: {}\n", reason);
  return {.options = {}, .exit_code = kUsageError};
}

}  // namespace

Parsed parse(int argc, const char* const* argv) {
  constexpr std::string_view kStudy = "pipeline";
  std::vector<std::string> words(argv + 1, argv + argc);
  if (!words.empty() && !words.front().starts_with('-')) {
    if (words.front() != kStudy) {
      return refuse(
          fmt::format("'{}' is not a study: give {}, or options only", words.front(), kStudy));
    }
    words.erase(words.begin());
  }

  Options options;
  CLI::App app("Sends items from a producer thread to a consumer thread and times each of them.");
  app.name("pipelab [pipeline]");
  app.set_version_flag("--version", fmt::format("pipelab {}", kVersion));
  app.get_formatter()->column_width(34);
  add_load_options(app, options);
  add_queue_options(app, options);
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
    return refuse(error.what());
  }
  const std::string reason = conflict(options);
  return reason.empty() ? Parsed{.options = options, .exit_code = 0} : refuse(reason);
}

}  // namespace pipelab::pipeline
