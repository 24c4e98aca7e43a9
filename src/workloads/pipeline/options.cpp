#include "workloads/pipeline/options.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <filesystem>
#include <iostream>
#include <iterator>
#include <map>
#include <numeric>
#include <sstream>
#include <string_view>
#include <system_error>

#include "platform/cpu.hpp"
#include "platform/memory.hpp"
#include "record/output_file.hpp"
#include "version.hpp"
#include "workloads/pipeline/option_values.hpp"

namespace pipelab::pipeline {
namespace {

using channel::OnFull;
using channel::Queue;
using channel::Wait;
using load::Arrival;
using load::Pacing;

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

/// What a machine has that options can name.
struct Machine {
  std::vector<int> cpus;
  std::vector<int> numa_nodes;
};

Machine this_machine() {
  return {.cpus = platform::allowed_cpus(), .numa_nodes = platform::numa_nodes()};
}

Machine any_machine() {
  std::vector<int> numbers(1024);  // what Linux has at most
  std::iota(numbers.begin(), numbers.end(), 0);
  return {.cpus = numbers, .numa_nodes = numbers};
}

void add_thread_options(CLI::App& app, Options& options, const Machine& machine) {
  add_member(app, "--pin-producer", options.pin_producer, machine.cpus, "CPU",
             "CPU that the producer runs on");
  add_member(app, "--pin-consumer", options.pin_consumer, machine.cpus, "CPU",
             "CPU that the consumer runs on");
  add_value(app, "--sched", options.scheduling, to_scheduling, "other|fifo:P|rr:P|deadline:R,D,P",
            "other, fifo:P or rr:P (1 to 99), or deadline:R,D,P (microseconds, 2 <= R <= D <= P)",
            "both threads' scheduling class, with priority (1 to 99), or runtime, deadline and "
            "period (microseconds)")
      ->default_str("other");
  add_number<std::int64_t>(app, "--timer-slack-ns", options.timer_slack_ns, 1, 1'000'000'000,
                           "how late the kernel may wake a thread to save wake-ups");
  add_member(app, "--numa-node", options.numa_node, machine.numa_nodes, "NUMA node",
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
  app.add_option("--stats", options.stats_path, "write the totals (key,value lines)");
}

namespace fs = std::filesystem;

/// Where what is written to `path` will be, if that is or becomes a file.
std::optional<fs::path> file_at(const std::string& path) {
  constexpr int kMostLinks = 40;  // as many as Linux follows
  std::error_code error;
  const fs::file_status status = fs::status(path, error);
  if (path.empty() || (fs::exists(status) && !fs::is_regular_file(status))) {
    return std::nullopt;
  }
  fs::path file = fs::absolute(path, error);
  for (int link = 0; link < kMostLinks && fs::is_symlink(fs::symlink_status(file, error)); ++link) {
    file = file.parent_path() / fs::read_symlink(file, error);
  }
  const fs::path canonical = fs::weakly_canonical(file, error);
  return error ? file : canonical;
}

/// What is wrong with the files that are to be written; empty if nothing is. Two may be one device
/// or one pipe, which gets one after the other.
std::string clash(const Options& options) {
  const std::array<std::pair<std::string_view, const std::string&>, 3> outputs{
      {{"--emit-latencies", options.latencies_path},
       {"--emit-histogram", options.histogram_path},
       {"--stats", options.stats_path}}};
  std::map<fs::path, std::string_view> written;
  for (const auto& [name, path] : outputs) {
    const std::optional<fs::path> file = file_at(path);
    if (!file) {
      continue;
    }
    for (const fs::path& each : {*file, record::OutputFile::partial_path(*file)}) {
      const auto [there, fresh] = written.try_emplace(each, name);
      if (!fresh) {
        return fmt::format("{}: '{}' is a file that {} writes, too: give another", name, path,
                           there->second);
      }
    }
  }
  return {};
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
  return clash(options);
}

Parsed refuse(std::string_view reason) {
  fmt::print(stderr, "pipelab: {}\n", reason);
  return {.options = {}, .exit_code = kUsageError};
}

/// The options of a command line, as they are being read.
class CommandLine {
 public:
  explicit CommandLine(const Machine& machine) {
    app_.name("pipelab [pipeline]");
    app_.set_version_flag("--version", fmt::format("pipelab {}", kVersion));
    app_.get_formatter()->column_width(34);
    add_load_options(app_, options_);
    add_queue_options(app_, options_);
    add_thread_options(app_, options_, machine);
    add_output_options(app_, options_);
    app_.add_flag("--check", check_,
                  "only say what is wrong with these options, on whatever machine they are to run");
    app_.add_flag("--check-lines", check_lines_,
                  "the same for each line of options on standard input: print 'NUMBER: COMPLAINT' "
                  "for those that are wrong");
    app_.footer(
        "Exit codes: 0 good, 1 failed, 2 wrong usage, 130 interrupted (what was measured is "
        "still written).");
  }

  /// Reads words; returns what is wrong with them, or nothing. Throws CLI::Success on --help.
  std::string read(std::vector<std::string> words) {
    if (!words.empty() && !words.front().starts_with('-')) {
      if (words.front() != kStudy) {
        return fmt::format("'{}' is not a study: give {}, or options only", words.front(), kStudy);
      }
      words.erase(words.begin());
    }
    if (words.size() > 1 && contains(words, kCheckLines)) {
      return fmt::format("{}: takes its options from standard input: give it alone", kCheckLines);
    }
    std::reverse(words.begin(), words.end());  // CLI11 wants them last first
    try {
      app_.parse(words);
    } catch (const CLI::Success&) {
      throw;
    } catch (const CLI::Error& error) {
      return error.what();
    }
    return conflict(options_);
  }

  int exit(const CLI::Success& done) { return app_.exit(done); }
  const Options& options() const { return options_; }
  bool check() const { return check_; }

  static bool contains(const std::vector<std::string>& words, std::string_view word) {
    return std::find(words.begin(), words.end(), word) != words.end();
  }

  static constexpr std::string_view kCheckLines = "--check-lines";

 private:
  static constexpr std::string_view kStudy = "pipeline";

  Options options_;
  bool check_{false};
  bool check_lines_{false};
  CLI::App app_{"Sends items from a producer thread to a consumer thread and times each of them."};
};

/// Prints what is wrong with each line of `lines`; returns the program's exit code.
int check_lines(std::istream& lines) {
  const Machine machine = any_machine();
  int exit_code = 0;
  std::string line;
  for (int number = 1; std::getline(lines, line); ++number) {
    std::istringstream stream(line);
    std::string reason;
    try {
      reason = CommandLine(machine).read({std::istream_iterator<std::string>(stream), {}});
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

}  // namespace

Parsed parse(int argc, const char* const* argv) {
  const std::vector<std::string> words(argv + 1, argv + argc);
  const bool lines = CommandLine::contains(words, CommandLine::kCheckLines);
  const bool here = !lines && !CommandLine::contains(words, "--check");
  CommandLine command_line(here ? this_machine() : any_machine());
  try {
    const std::string reason = command_line.read(words);
    if (!reason.empty()) {
      return refuse(reason);
    }
  } catch (const CLI::Success& done) {  // --help, --version
    return {.options = {}, .exit_code = command_line.exit(done)};
  }
  if (lines) {
    return {.options = {}, .exit_code = check_lines(std::cin)};
  }
  return command_line.check() ? Parsed{} : Parsed{.options = command_line.options()};
}

}  // namespace pipelab::pipeline
