#include "workloads/exchange/go_responder.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <sstream>
#include <stdexcept>
#include <string>
#include <utility>

#include "platform/cpu.hpp"
#include "platform/scheduling.hpp"
#include "platform/system_call.hpp"
#include "platform/thread_counters.hpp"

namespace pipelab::exchange {
namespace {

using platform::checked;

constexpr int kSegmentFile = 3;  // as the program has them
constexpr int kLinkFile = 4;

/// Its process, and the link over which it says how it is. All its threads run where the one that
/// made it does, and are scheduled like that.
class GoProcess {
 public:
  GoProcess(const std::filesystem::path& program, const platform::Segment& segment,
            std::size_t plan, std::size_t threads) {
    std::array<int, 2> links{};
    checked(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, links.data()), "make a socket");
    said_ = static_cast<int>(checked(memfd_create("stderr", MFD_CLOEXEC), "make a file in memory"));
    const auto words =
        std::to_array({program.string(), fmt::to_string(segment.header().bytes),
                       fmt::to_string(segment.header().shape), fmt::to_string(plan)});
    // So that one that spins keeps no other from running.
    const std::string most_threads = fmt::format("GOMAXPROCS={}", threads + 2);
    pid_ = checked(fork(), "start a process");
    if (pid_ == 0) {
      prctl(PR_SET_PDEATHSIG, SIGKILL);
      // Interrupts are not its affair, and Go would not let them be ignored.
      sigset_t interrupts{};
      sigaddset(&interrupts, SIGINT);
      sigaddset(&interrupts, SIGTERM);
      sigprocmask(SIG_BLOCK, &interrupts, nullptr);
      // Where nothing stands that is still needed.
      const int from = fcntl(segment.file(), F_DUPFD, kLinkFile + 1);
      const int link = fcntl(links[1], F_DUPFD, kLinkFile + 1);
      dup2(from, kSegmentFile);
      dup2(link, kLinkFile);
      dup2(said_, STDERR_FILENO);
      std::array<const char*, words.size() + 1> arguments{};
      std::ranges::transform(words, arguments.begin(), &std::string::c_str);
      const std::array environment{most_threads.c_str(), "GODEBUG=asyncpreemptoff=1",
                                   static_cast<const char*>(nullptr)};
      // The kernel writes to neither.
      execve(program.c_str(), const_cast<char**>(arguments.data()),
             const_cast<char**>(environment.data()));
      dprintf(kLinkFile, "cannot be started: %s\n", strerrordesc_np(errno));
      _exit(1);
    }
    close(links[1]);
    link_.reset(fdopen(links[0], "r"));
  }
  GoProcess(const GoProcess&) = delete;
  GoProcess& operator=(const GoProcess&) = delete;
  GoProcess(GoProcess&&) = delete;
  GoProcess& operator=(GoProcess&&) = delete;

  ~GoProcess() {
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
    close(said_);
  }

  /// What it says after `word`, which must come next.
  std::string hear(const std::string& word) {
    char* text = nullptr;
    std::size_t size = 0;
    const ssize_t length = getline(&text, &size, link_.get());
    const std::unique_ptr<char, decltype(&std::free)> owner(text, &std::free);
    std::string line = length > 0 ? std::string(text, static_cast<std::size_t>(length) - 1) : "";
    if (!line.starts_with(word)) {
      throw std::runtime_error(
          fmt::format("the responders in Go ({}) {}", go_program().string(),
                      line.empty() ? "ended before their time" + first_words() : line));
    }
    return line.substr(word.size());
  }

 private:
  /// The first line of what it complained of.
  std::string first_words() const {
    std::array<char, 200> text{};
    const ssize_t length = pread(said_, text.data(), text.size(), 0);
    const std::string all(text.data(), static_cast<std::size_t>(std::max<ssize_t>(length, 0)));
    return all.empty() ? "" : ": " + all.substr(0, all.find('\n'));
  }

  pid_t pid_;
  int said_;  // its standard error
  std::unique_ptr<std::FILE, decltype(&std::fclose)> link_{nullptr, &std::fclose};
};

std::vector<threads::Record> records_of(const std::string& tids) {
  std::vector<threads::Record> records;
  std::istringstream words(tids);
  for (pid_t tid = 0; words >> tid;) {
    records.push_back(
        {.name = fmt::format("responder-{}", records.size()), .role = "responder", .tid = tid});
  }
  return records;
}

std::uint64_t go_way(Wait way) noexcept {
  switch (way) {
    case Wait::kSpin:
      return 0;
    case Wait::kYield:
      return 1;
    case Wait::kFutex:
      return 2;
    default:
      return 3;
  }
}

}  // namespace

std::filesystem::path go_program() {
  std::filesystem::path program =
      std::filesystem::read_symlink("/proc/self/exe").replace_filename("exchange-go");
  if (access(program.c_str(), X_OK) != 0) {
    throw std::runtime_error(
        fmt::format("{}: is not there: build it ('scripts/build.sh host exchange-go'), or boot the "
                    "image that has it ('make image-go', run_vm.sh --go)",
                    program.string()));
  }
  return program;
}

GoPlan& write_go_plan(const Options& options, std::size_t served, std::size_t served_every,
                      std::span<const GoPair> pairs, platform::Segment& segment) {
  void* const place = segment.allocate(sizeof(GoPlan) + pairs.size_bytes(), alignof(GoPlan));
  auto* const plan = ::new (place) GoPlan{.pairs = pairs.size(),
                                          .words = options.payload_words(),
                                          .way = go_way(options.waiting()),
                                          .depth = options.depth_below(0),
                                          .zero_copy = options.zero_copy ? 1U : 0U,
                                          .served = served,
                                          .served_every = served_every};
  std::uninitialized_copy(pairs.begin(), pairs.end(), reinterpret_cast<GoPair*>(plan + 1));
  return *plan;
}

std::vector<threads::Record> respond_in_go(const threads::Options& threads, const Options& options,
                                           const platform::Segment& segment, const GoPlan& plan,
                                           const load::Phases& phases,
                                           const threads::Process::Parent& parent,
                                           const std::atomic<bool>& stop) {
  if (options.responders.pin) {
    platform::pin_this_thread(*options.responders.pin);
  }
  if (threads.timer_slack_ns) {
    platform::set_timer_slack(*threads.timer_slack_ns);
  }
  const platform::Scheduling scheduling =
      options.responders.scheduling.value_or(threads.scheduling);
  if (scheduling.klass != platform::Scheduling::Class::kOther) {
    platform::schedule_this_thread(scheduling);
  }
  GoProcess go(go_program(), segment, segment.offset_of(&plan), options.pairs);
  std::vector<threads::Record> records = records_of(go.hear("ready "));
  parent.ready();
  platform::sleep_until(phases.quiet_ns, stop);
  std::vector<platform::ThreadCounters> before;
  for (const threads::Record& record : records) {
    before.push_back(platform::read_thread_counters(record.tid));
    if (platform::now_ns() > phases.measured.begin_ns) {
      before.back() = {};  // as threads::Crew does
    }
  }
  go.hear("done");
  for (std::size_t at = 0; at < records.size(); ++at) {
    records[at].cpu = platform::last_cpu(records[at].tid);
    records[at].counters = platform::read_thread_counters(records[at].tid).since(before[at]);
  }
  return records;
}

}  // namespace pipelab::exchange
