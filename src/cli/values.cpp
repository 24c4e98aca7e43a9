#include "cli/values.hpp"

namespace pipelab::cli {

std::vector<std::int64_t> numbers_of(std::string_view text, std::string_view name) {
  if (!text.starts_with(name) || text.substr(name.size()).substr(0, 1) != ":") {
    return {};
  }
  constexpr std::int64_t kMost = 86'400'000'000;  // a day of microseconds
  std::vector<std::int64_t> numbers;
  std::string_view rest = text.substr(name.size() + 1);
  for (bool more = true; more;) {
    const std::size_t comma = rest.find(',');
    const std::optional<std::int64_t> number = to_number<std::int64_t>(rest.substr(0, comma));
    if (!number || *number < 1 || *number > kMost) {
      return {};
    }
    numbers.push_back(*number);
    more = comma != std::string_view::npos;
    rest.remove_prefix(more ? comma + 1 : rest.size());
  }
  return numbers;
}

}  // namespace pipelab::cli
