#include "attendant/words.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <stdexcept>

#include "attendant/text_file.hpp"

namespace pipelab::attendant {
namespace {

// What is the attendant's own, or /init's, in the folder that kept files go to.
constexpr std::array<std::string_view, 8> kOwnFiles = {
    ".", "..", "process.csv", "threads.csv", "hang.txt", "maps.txt", "stdout.txt", "stderr.txt"};

std::int64_t whole_number(const std::string& option, const std::string& text) {
  constexpr std::int64_t kMost = 1'000'000'000;
  const auto value = number_of(text);
  if (!value || *value < 1 || *value > kMost) {
    throw std::runtime_error(option + ": '" + text + "' is no whole number from 1 to " +
                             std::to_string(kMost));
  }
  return *value;
}

const std::string& plain_name(const std::string& name) {
  if (name.empty() || name.find('/') != std::string::npos ||
      std::ranges::find(kOwnFiles, name) != kOwnFiles.end()) {
    throw std::runtime_error("--keep: '" + name + "' cannot be kept: give a plain name of its own");
  }
  return name;
}

}  // namespace

Words parse_words(std::string_view text) {
  std::vector<std::string> all;
  while (!text.empty()) {
    const std::size_t end = text.find('\0');
    if (end == std::string_view::npos) {
      throw std::runtime_error("the file of words is cut: its last one has no NUL");
    }
    all.emplace_back(text.substr(0, end));
    text.remove_prefix(end + 1);
  }
  Words words;
  auto word = all.begin();
  for (; word != all.end() && *word != "--"; ++word) {
    const std::string& option = *word;
    if (option == "--mark" || option == "--maps" || option == "--calls") {
      (option == "--mark" ? words.mark : option == "--maps" ? words.maps : words.calls) = true;
      continue;
    }
    constexpr std::array<std::string_view, 6> kWithValue = {"--limit-ms", "--root", "--complete",
                                                            "--folder",   "--keep", "--keep-mb"};
    if (std::ranges::find(kWithValue, option) == kWithValue.end()) {
      throw std::runtime_error("unknown option '" + option + "'");
    }
    if (++word == all.end() || word->empty()) {
      throw std::runtime_error(option + " needs a value");
    }
    if (option == "--limit-ms") {
      constexpr platform::Nanoseconds kPerMillisecond = 1'000'000;
      words.limit_ns = whole_number(option, *word) * kPerMillisecond;
    } else if (option == "--keep-mb") {
      words.keep_mb = whole_number(option, *word);
    } else if (option == "--keep") {
      words.keep.push_back(plain_name(*word));
    } else {
      (option == "--root"     ? words.root
       : option == "--folder" ? words.folder
                              : words.complete) = *word;
    }
  }
  if (word != all.end()) {
    words.command.assign(word + 1, all.end());
  }
  if (words.command.empty()) {
    throw std::runtime_error("no command is given after --");
  }
  return words;
}

}  // namespace pipelab::attendant
