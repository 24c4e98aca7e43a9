#include "bench/options.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <charconv>
#include <string_view>
#include <vector>

#include "platform/cpu.hpp"

namespace pipelab::bench {
namespace {

constexpr int kUsageError = 2;

/// Reads "A,B".
std::optional<CpuPair> cpus_in(std::string_view text) {
  CpuPair cpus{};
  const char* const end = text.data() + text.size();
  const auto first = std::from_chars(text.data(), end, cpus.first);
  if (first.ec != std::errc{} || first.ptr == end || *first.ptr != ',') {
    return std::nullopt;
  }
  const auto second = std::from_chars(first.ptr + 1, end, cpus.second);
  return second.ec == std::errc{} && second.ptr == end ? std::optional(cpus) : std::nullopt;
}

/// Accepts two different CPUs that this process may run on.
CLI::Validator two_cpus() {
  const auto check = [](const std::string& text) {
    const std::vector<int> allowed = platform::allowed_cpus();
    const auto is_allowed = [&](int cpu) {
      return std::find(allowed.begin(), allowed.end(), cpu) != allowed.end();
    };
    const std::optional<CpuPair> cpus = cpus_in(text);
    if (cpus && cpus->first != cpus->second && is_allowed(cpus->first) &&
        is_allowed(cpus->second)) {
      return std::string{};
    }
    return fmt::format("'{}' is not valid: give two CPUs as A,B out of {}", text,
                       platform::cpu_list(allowed));
  };
  return {check, "A,B"};
}

}  // namespace

Parsed parse(int argc, const char* const* argv) {
  Options options;
  CLI::App app("Measures the queues against their peers, in rounds, and writes every sample.");
  app.name("pipelab_bench");
  app.option_defaults()->always_capture_default();
  app.get_formatter()->column_width(34);
  app.add_option_function<std::string>(
         "--cpus", [&](const std::string& text) { options.cpus = cpus_in(text); },
         "the two threads' CPUs; else the first two that are allowed")
      ->check(two_cpus());
  app.add_option("--seconds", options.seconds, "length of the run; else 285, or 28 with --quick")
      ->check(CLI::Range(0.1, 86400.0));
  app.add_flag("--quick", options.quick, "only what the report's claims need");
  app.add_option("--work", options.works, "only these kinds of work, as WORK,WORK")->delimiter(',');
  app.add_option("--seed", options.seed, "of the order in each round");
  app.add_option("--samples", options.samples_path, "file to write the samples to (CSV)");
  app.add_option("--environment", options.environment_path,
                 "file to write to what they were taken on (key,value lines)");
  app.footer(
      "Exit codes: 0 good, 1 failed, 2 wrong usage, 130 interrupted (the samples that were taken "
      "are in the file).");
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& done) {  // --help
    return {.options = {}, .exit_code = app.exit(done)};
  } catch (const CLI::Error& error) {
    fmt::print(stderr, "pipelab_bench: {}\n", error.what());
    return {.options = {}, .exit_code = kUsageError};
  }
  return {.options = options, .exit_code = 0};
}

}  // namespace pipelab::bench
