#include "threads/options.hpp"

#include <fmt/format.h>

#include <string>
#include <utility>
#include <vector>

namespace pipelab::threads {
namespace {

cli::Option scheduling_option(std::string name, std::string standard, std::string help) {
  return {.name = std::move(name),
          .type = "word",
          .form = "other|fifo:P|rr:P|deadline:R,D,P",
          .valid =
              "other, fifo:P or rr:P (1 to 99), or deadline:R,D,P (microseconds, 2 <= R <= D <= P)",
          .standard = std::move(standard),
          .help = std::move(help)};
}

}  // namespace

void add_options(cli::Options& all, Options& options) {
  all.add_value(
      scheduling_option("--sched", "other",
                        "all threads' scheduling class, with priority (1 to 99), or runtime, "
                        "deadline and period (microseconds)"),
      options.scheduling, to_scheduling);
  all.add_number<std::int64_t>("--timer-slack-ns", options.timer_slack_ns, 1, 1'000'000'000,
                               "how late the kernel may wake a thread to save wake-ups",
                               {.unit = "ns"});
  all.add_flag("--mlock", options.mlock, "keep all memory from being paged out");
}

void add_roles(cli::Options& all, std::initializer_list<AddedRole> roles) {
  for (const AddedRole& role : roles) {
    all.add_cpu(fmt::format("--pin-{}", role.name), role.options.pin,
                fmt::format("CPU that {} on", role.who_runs), {.means = "pin", .role = role.name});
  }
  for (const AddedRole& role : roles) {
    all.add_value(
        scheduling_option(fmt::format("--sched-{}", role.name), "",
                          fmt::format("the {}'s own, instead of that of --sched", role.name)),
        role.options.scheduling, to_scheduling);
  }
}

void add_wait(cli::Options& all, std::optional<Wait>& wait, const std::string& where,
              std::initializer_list<cli::Choice<Wait>> more) {
  std::vector<cli::Choice<Wait>> ways{
      {"adaptive", Wait::kAdaptive,
       "spin for 30 us if the other side is on another CPU and that has paid, yield if it is on "
       "this one, then sleep"},
      {"spin", Wait::kSpin, "stay on the CPU"},
      {"yield", Wait::kYield, "let others run"},
      {"futex", Wait::kFutex, "sleep at once"},
      {"hybrid", Wait::kHybrid, "spin as many turns as were enough, yield 4 times, then sleep"}};
  ways.insert(ways.end(), more);
  all.add_choice<Wait>("--wait", wait, ways, "how a side waits at " + where, {.means = "waiting"});
}

std::string conflict(const platform::Scheduling& scheduling, std::initializer_list<Role> roles) {
  for (const Role& role : roles) {
    const RoleOptions& own = role.options;
    if (own.pin &&
        own.scheduling.value_or(scheduling).klass == platform::Scheduling::Class::kDeadline) {
      return fmt::format(
          "--sched{}: Linux lets no pinned thread into the deadline class: leave out --pin-{}",
          own.scheduling ? fmt::format("-{}", role.name) : "", role.name);
    }
  }
  return {};
}

std::optional<platform::Scheduling> to_scheduling(std::string_view text) {
  using platform::Scheduling;
  constexpr std::int64_t kMostPriority = 99;
  constexpr std::int64_t kLeastRuntimeUs = 2;  // the kernel's own limit is 1024 ns
  if (text == "other") {
    return Scheduling{};
  }
  for (const auto& [name, klass] : {std::pair{"fifo", Scheduling::Class::kFifo},
                                    std::pair{"rr", Scheduling::Class::kRoundRobin}}) {
    const std::vector<std::int64_t> numbers = cli::numbers_of(text, name);
    if (numbers.size() == 1 && numbers.front() <= kMostPriority) {
      return Scheduling{.klass = klass, .priority = static_cast<std::uint32_t>(numbers.front())};
    }
  }
  const std::vector<std::int64_t> times_us = cli::numbers_of(text, "deadline");
  if (times_us.size() != 3 || times_us[0] < kLeastRuntimeUs || times_us[1] < times_us[0] ||
      times_us[2] < times_us[1]) {
    return std::nullopt;
  }
  return Scheduling{.klass = Scheduling::Class::kDeadline,
                    .runtime_ns = times_us[0] * platform::kNanosecondsPerMicrosecond,
                    .deadline_ns = times_us[1] * platform::kNanosecondsPerMicrosecond,
                    .period_ns = times_us[2] * platform::kNanosecondsPerMicrosecond};
}

}  // namespace pipelab::threads
