#include "attendant/stacks.hpp"

#include <libunwind-ptrace.h>
#include <poll.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cinttypes>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <ctime>
#include <optional>
#include <utility>

#include "attendant/symbols.hpp"
#include "attendant/text_file.hpp"
#include "platform/clock.hpp"

namespace pipelab::attendant {
namespace {

constexpr std::size_t kMostStacks = 200;
constexpr int kMostFrames = 64;
constexpr platform::Nanoseconds kPatienceNs = 10 * platform::kNanosecondsPerSecond;

/// Lets a thread stand still for this process. False where it cannot be had within 50 ms.
bool hold(pid_t thread) {
  constexpr timespec kMillisecond{.tv_sec = 0, .tv_nsec = 1'000'000};
  constexpr int kTries = 50;
  if (ptrace(PTRACE_SEIZE, thread, nullptr, nullptr) != 0 ||
      ptrace(PTRACE_INTERRUPT, thread, nullptr, nullptr) != 0) {
    return false;
  }
  for (int tried = 0; tried < kTries; ++tried) {
    int status = 0;
    if (waitpid(thread, &status, __WALL | WNOHANG) == thread) {
      return WIFSTOPPED(status);
    }
    nanosleep(&kMillisecond, nullptr);
  }
  return false;
}

/// A line of /proc/PID/maps (proc(5)).
struct Mapping {
  std::uint64_t begin{0};
  std::uint64_t end{0};
  std::uint64_t offset{0};
  bool is_code{false};
  std::string path;
};

std::vector<Mapping> mappings_of(pid_t thread) {
  const std::string text = content_of("/proc/" + std::to_string(thread) + "/maps");
  std::vector<Mapping> mappings;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    const std::string line = text.substr(begin, end - begin);
    begin = end + 1;
    Mapping mapping;
    char executable = '-';
    int path = 0;
    if (std::sscanf(line.c_str(), "%" SCNx64 "-%" SCNx64 " %*c%*c%c%*c %" SCNx64 " %*s %*s %n",
                    &mapping.begin, &mapping.end, &executable, &mapping.offset, &path) == 4) {
      mapping.is_code = executable == 'x';
      mapping.path = line.substr(std::min(static_cast<std::size_t>(path), line.size()));
      mappings.push_back(mapping);
    }
  }
  return mappings;
}

const Mapping* mapping_at(std::span<const Mapping> mappings, std::uint64_t address) {
  const auto found = std::ranges::find_if(mappings, [address](const Mapping& each) {
    return address >= each.begin && address < each.end;
  });
  return found == mappings.end() ? nullptr : &*found;
}

/// "FILE\tOFFSET\tFUNCTION" of an address. `called` is what is before it where a call has left it.
std::string place_at(std::span<const Mapping> mappings, std::uint64_t address,
                     std::uint64_t called) {
  const Mapping* const mapping = mapping_at(mappings, address);
  std::array<char, 32> offset{};
  std::snprintf(offset.data(), offset.size(), "\t0x%" PRIx64 "\t",
                mapping == nullptr ? address : address - mapping->begin + mapping->offset);
  return mapping == nullptr
             ? offset.data()
             : escaped(mapping->path.substr(mapping->path.rfind('/') + 1)) + offset.data() +
                   escaped(function_in(mapping->path, called - mapping->begin + mapping->offset));
}

// Where a file has no unwind tables (statically linked ones, those of Go, most of armv7's C
// library), the caller is found by what functions leave on the stack: a pair of frame pointer and
// return address, or the next word that a call has left.
struct Caller {
  unw_word_t address;
  unw_word_t stack;
  unw_word_t frame;
};
std::optional<Caller> from_here;  // in place of the thread's own registers

#if defined(__arm__)
constexpr int kFramePointer = UNW_ARM_R11;
#elif defined(__aarch64__)
constexpr int kFramePointer = UNW_AARCH64_X29;
#else
constexpr int kFramePointer = UNW_X86_64_RBP;
#endif

int access_register(unw_addr_space_t space, unw_regnum_t number, unw_word_t* value, int write,
                    void* traced) {
  if (!from_here || write != 0) {
    return _UPT_access_reg(space, number, value, write, traced);
  }
  bool is_address = number == UNW_REG_IP;
#ifdef __aarch64__
  is_address = is_address || number == UNW_AARCH64_PC;  // UNW_REG_IP is register 30
#endif
  if (!is_address && number != UNW_REG_SP && number != kFramePointer) {
    return _UPT_access_reg(space, number, value, write, traced);
  }
  *value = is_address             ? from_here->address
           : number == UNW_REG_SP ? from_here->stack
                                  : from_here->frame;
  return 0;
}

unw_word_t word_at(pid_t thread, unw_word_t address) {
  // NOLINTNEXTLINE(performance-no-int-to-ptr): as ptrace has it
  void* const place = reinterpret_cast<void*>(address);
  return static_cast<unw_word_t>(ptrace(PTRACE_PEEKDATA, thread, place, nullptr));
}

/// Whether `address` is in a file's code, behind a call.
bool follows_call(unw_word_t address, pid_t thread, std::span<const Mapping> mappings) {
  const Mapping* const mapping = mapping_at(mappings, address);
  if (mapping == nullptr || !mapping->is_code) {
    return false;
  }
#if defined(__arm__)
  if ((address & 1) == 0) {
    const unw_word_t word = word_at(thread, address - 4);
    return (address & 2) == 0 &&
           ((word & 0x0f000000) == 0x0b000000 || (word & 0xfe000000) == 0xfa000000 ||
            (word & 0x0ffffff0) == 0x012fff30);
  }
  const unw_word_t word = word_at(thread, address - 5);  // the lowest bit says Thumb
  return (word & 0xc000f800) == 0xc000f000 || (word & 0xff870000) == 0x47800000;
#elif defined(__aarch64__)
  const unw_word_t word = word_at(thread, address - 4) & 0xffffffff;
  return (word & 0xfc000000) == 0x94000000 || (word & 0xfffffc1f) == 0xd63f0000;
#else
  const unw_word_t word = word_at(thread, address - 8);  // whose last bytes are the instruction
  const auto calls_by = [word](unsigned bytes) {
    const unw_word_t code = word >> ((8 - bytes) * 8);
    return (code & 0x38ff) == 0x10ff;
  };
  return ((word >> 24) & 0xff) == 0xe8 || calls_by(2) || calls_by(3) || calls_by(6) || calls_by(7);
#endif
}

std::optional<Caller> caller_on_stack(unw_cursor_t& cursor, pid_t thread,
                                      std::span<const Mapping> mappings) {
  constexpr unw_word_t kWord = sizeof(unw_word_t);
#ifdef __aarch64__
  constexpr unw_word_t kMostWords = 0;  // all functions leave the pair
#else
  constexpr unw_word_t kMostWords = 64;
#endif
  constexpr unw_word_t kLargestFrame = 1U << 20;
  unw_word_t stack = 0;
  unw_word_t frame = 0;
  unw_get_reg(&cursor, UNW_REG_SP, &stack);
  unw_get_reg(&cursor, kFramePointer, &frame);
  if (frame + kWord >= stack && frame < stack + kLargestFrame) {
    const unw_word_t address = word_at(thread, frame + kWord);
    if (follows_call(address, thread, mappings)) {
      return Caller{
          .address = address, .stack = frame + 2 * kWord, .frame = word_at(thread, frame)};
    }
  }
  for (unw_word_t place = stack; place < stack + kMostWords * kWord; place += kWord) {
    const unw_word_t address = word_at(thread, place);
    if (follows_call(address, thread, mappings)) {
      return Caller{.address = address, .stack = place + kWord, .frame = frame};
    }
  }
  return {};
}

/// Writes a line "TID\tFILE\tOFFSET\tFUNCTION" for each frame.
void write_stack(pid_t thread, int pipe) {
  const std::vector<Mapping> mappings = mappings_of(thread);
  unw_accessors_t accessors = _UPT_accessors;
  accessors.access_reg = access_register;
  from_here.reset();
  auto* const space = unw_create_addr_space(&accessors, 0);
  void* const traced = _UPT_create(thread);
  unw_cursor_t cursor;
  bool more = unw_init_remote(&cursor, space, traced) == 0;
  unw_word_t address = 0;
  unw_word_t stack = 0;
  for (int frame = 0; more && frame < kMostFrames; ++frame) {
    const unw_word_t address_before = std::exchange(address, 0);
    const unw_word_t stack_before = std::exchange(stack, 0);
    unw_get_reg(&cursor, UNW_REG_IP, &address);
    unw_get_reg(&cursor, UNW_REG_SP, &stack);
    if (address == 0 || stack < stack_before) {
      break;
    }
    // Where it knows no better, libunwind goes on to what register 30 has, which may be this again.
    if (address != address_before || stack != stack_before) {
      write_all(pipe, std::to_string(thread) + "\t" +
                          place_at(mappings, address, address - (frame == 0 ? 0 : 1)) + "\n");
    }
    more = unw_step(&cursor) > 0;
    if (!more) {
      from_here = caller_on_stack(cursor, thread, mappings);
      more = from_here && unw_init_remote(&cursor, space, traced) == 0;
    }
  }
}

/// What `child` writes until it ends or the time is over, when it is killed.
std::string written_by(pid_t child, int pipe) {
  const platform::Nanoseconds deadline_ns = platform::now_ns() + kPatienceNs;
  std::string text;
  while (true) {
    constexpr platform::Nanoseconds kPerMillisecond = 1'000'000;
    const platform::Nanoseconds left_ns = deadline_ns - platform::now_ns();
    std::array<char, 4096> part{};
    pollfd readable{.fd = pipe, .events = POLLIN, .revents = 0};
    if (left_ns <= 0 || poll(&readable, 1, static_cast<int>(left_ns / kPerMillisecond) + 1) < 0) {
      break;
    }
    const ssize_t got = readable.revents == 0 ? 1 : read(pipe, part.data(), part.size());
    if (got <= 0) {
      break;
    }
    text.append(part.data(), readable.revents == 0 ? 0 : static_cast<std::size_t>(got));
  }
  kill(child, SIGKILL);
  waitpid(child, nullptr, 0);
  return text;
}

/// What one takes for granted of a program: its libraries' own work, and how its threads begin.
bool is_of_libraries(const Frame& frame) {
  constexpr std::array<std::string_view, 6> kLibraries = {"libc.",     "libc-", "libpthread",
                                                          "libstdc++", "ld-",   "["};
  return frame.function.empty() || frame.function.starts_with("_") ||
         frame.function.find("std::") <
             std::min(frame.function.find('('), frame.function.find('<')) ||
         std::ranges::any_of(kLibraries, [&](auto name) { return frame.file.starts_with(name); });
}

}  // namespace

std::string short_name(std::string function) {
  constexpr std::size_t kMostCharacters = 40;
  constexpr std::string_view kUnnamed = "(anonymous namespace)::";
  for (std::size_t place = 0; (place = function.find(kUnnamed)) != std::string::npos;) {
    function.erase(place, kUnnamed.size());
  }
  const std::size_t end = function.rfind(')');
  int depth = 0;
  for (std::size_t place = end; place != std::string::npos && place > 0; --place) {
    depth += function[place] == ')' ? 1 : function[place] == '(' ? -1 : 0;
    if (depth == 0) {
      function.erase(place);
      break;
    }
  }
  return function.size() > kMostCharacters ? function.substr(0, kMostCharacters) + "..." : function;
}

std::string place_of(std::span<const Frame> frames, int functions) {
  std::string place;
  for (const Frame& frame : frames) {
    if (functions > 0 && !is_of_libraries(frame)) {
      place += (place.empty() ? "" : " < ") + short_name(frame.function);
      --functions;
    }
  }
  return place;
}

std::map<pid_t, std::vector<Frame>> stacks_of(std::span<const pid_t> threads) {
  threads = threads.first(std::min(threads.size(), kMostStacks));
  std::array<int, 2> ends{};
  if (threads.empty() || pipe(ends.data()) != 0) {
    return {};
  }
  const pid_t child = fork();
  if (child == 0) {
    close(ends[0]);
    // From here on files are called as the program calls them.
    const std::string root = "/proc/" + std::to_string(threads.front()) + "/root";
    static_cast<void>(chroot(root.c_str()) == 0);
    for (const pid_t thread : threads) {
      if (hold(thread)) {
        write_stack(thread, ends[1]);
      }
    }
    _exit(0);
  }
  close(ends[1]);
  const std::string text = child < 0 ? std::string() : written_by(child, ends[0]);
  close(ends[0]);
  std::map<pid_t, std::vector<Frame>> stacks;
  for (std::size_t begin = 0, end = 0; (end = text.find('\n', begin)) != std::string::npos;
       begin = end + 1) {
    const std::string line = text.substr(begin, end - begin);
    const std::size_t file = line.find('\t') + 1;
    const std::size_t offset = line.find('\t', file) + 1;
    const std::size_t function = line.find('\t', offset) + 1;
    stacks[static_cast<pid_t>(number_of(line.substr(0, file - 1)).value_or(0))].push_back(
        {.file = line.substr(file, offset - 1 - file),
         .offset = line.substr(offset, function - 1 - offset),
         .function = line.substr(function)});
  }
  return stacks;
}

}  // namespace pipelab::attendant
