// The attendant of a user's own program in a guest: starts it as /init's command, watches its end,
// and leaves what the kernel knows of it.
#include <cstddef>
#include <exception>
#include <stdexcept>
#include <string>

#include "attendant/attend.hpp"
#include "attendant/guard.hpp"
#include "attendant/surroundings.hpp"
#include "attendant/text_file.hpp"
#include "attendant/words.hpp"

namespace {

int attend_to(int argc, char** argv) {
  using namespace pipelab::attendant;
  try {
    if (argc != 2) {
      throw std::runtime_error("give it the file of its words");
    }
    constexpr std::size_t kMostBytes = std::size_t{1} << 24;
    const std::string text = content_of(argv[1], kMostBytes);
    if (text.empty() || text.back() != '\0') {
      fail_incomplete();  // it is among the last of the guest's files
    }
    return attend(parse_words(text));
  } catch (const std::exception& error) {
    say(error.what());
    constexpr int kCannotAttend = 125;
    return kCannotAttend;
  }
}

}  // namespace

int main(int argc, char** argv) {
  // The program is told of one process above it, which it may stop or end.
  return pipelab::attendant::guarded([argc, argv] { return attend_to(argc, argv); });
}
