#include "cli/options.hpp"

#include <filesystem>
#include <numeric>
#include <system_error>

#include "platform/cpu.hpp"
#include "platform/memory.hpp"

namespace pipelab::cli {

Machine this_machine() {
  return {.cpus = platform::allowed_cpus(), .numa_nodes = platform::numa_nodes(), .is_here = true};
}

Machine any_machine() {
  std::vector<int> numbers(1024);  // what Linux has at most
  std::iota(numbers.begin(), numbers.end(), 0);
  return {.cpus = numbers, .numa_nodes = numbers};
}

void Options::add_flag(std::string name, bool& target, std::string help) {
  all_.push_back({.name = std::move(name),
                  .type = "flag",
                  .standard = "false",
                  .help = std::move(help),
                  .flag = &target});
}

void Options::add_path(std::string name, std::string& target, std::string help) {
  add_value(
      {.name = std::move(name), .form = "FILE", .valid = "a path", .help = std::move(help)}, target,
      [](const std::string& text) { return text.empty() ? std::nullopt : std::optional(text); });
}

void Options::add_folder(std::string name, std::string& target, std::string help) {
  add_value({.name = std::move(name),
             .form = "DIR",
             .valid = "a folder that exists",
             .help = std::move(help)},
            target, [here = machine_.is_here](const std::string& text) {
              std::error_code error;
              const bool valid =
                  !text.empty() && (!here || std::filesystem::is_directory(text, error));
              return valid ? std::optional(text) : std::nullopt;
            });
}

void Options::add_cpu(std::string name, std::optional<int>& target, std::string help,
                      Meaning meaning) {
  add_member({.name = std::move(name), .type = "cpu", .help = std::move(help), .meaning = meaning},
             target, machine_.cpus, "CPU");
}

void Options::add_node(std::string name, std::optional<int>& target, std::string help) {
  add_member({.name = std::move(name), .type = "node", .help = std::move(help)}, target,
             machine_.numa_nodes, "NUMA node");
}

void Options::add_member(Option option, std::optional<int>& target, const std::vector<int>& members,
                         std::string_view what) {
  option.form = platform::cpu_list(members);
  option.valid = fmt::format("a {} that exists here: {}", what, option.form);
  add_value(std::move(option), target, [members](std::string_view text) {
    const std::optional<int> number = to_number<int>(text);
    const bool there =
        number && std::find(members.begin(), members.end(), *number) != members.end();
    return there ? number : std::nullopt;
  });
}

}  // namespace pipelab::cli
