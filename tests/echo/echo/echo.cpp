#include "workloads/echo/echo.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <deque>
#include <vector>

#include "load/pacing.hpp"
#include "load/phases.hpp"
#include "threads/crew.hpp"

namespace pipelab::echo {
namespace {

using platform::Nanoseconds;
using threads::Crew;

struct CallTimes {
  Nanoseconds intended_ns, asked_ns, taken_ns, answered_ns, done_ns;

  static constexpr std::array<std::string_view, 4> kStages{"late", "asking", "answering",
                                                           "returning"};
  static constexpr std::array<std::string_view, 2> kMetrics{"round_trip", "response"};

  std::array<Nanoseconds, kStages.size()> stages_ns() const noexcept {
    return {asked_ns - intended_ns, taken_ns - asked_ns, answered_ns - taken_ns,
            done_ns - answered_ns};
  }
  std::array<Nanoseconds, kMetrics.size()> metrics_ns() const noexcept {
    return {done_ns - asked_ns, done_ns - intended_ns};
  }
};

/// What a caller and the answerer share.
struct alignas(platform::kDestructiveInterference) Call {
  Call(std::size_t samples, const record::Intervals& intervals, std::size_t bytes)
      : recorder(samples, 1, intervals), answer(bytes) {}

  std::atomic<bool> asked{false};  // all else is the answerer's while it is set
  Nanoseconds taken_ns{0}, answered_ns{0};
  record::Recorder<CallTimes> recorder;
  std::vector<char> answer;
  std::uint64_t missed{0};
};

struct Answerer {
  std::deque<Call> calls;
  std::atomic<std::uint32_t> bell{0};
  std::atomic<bool> closed{false};
  std::uint64_t idle_looks{0};

  void ring() noexcept {
    bell.fetch_add(1);
    bell.notify_one();
  }

  void run() {
    while (!closed) {
      const std::uint32_t heard = bell;
      if (std::ranges::count_if(calls, answer) == 0) {
        ++idle_looks;
        bell.wait(heard);
      }
    }
  }

  static bool answer(Call& call) {
    if (!call.asked) {
      return false;
    }
    call.taken_ns = platform::now_ns();
    std::ranges::fill(call.answer, 'a');
    call.answered_ns = platform::now_ns();
    call.asked = false;
    call.asked.notify_one();
    return true;
  }
};

class Echo : public Workload {
 public:
  std::string_view description() const override { return "Calls a thread that answers."; }

  void add_options(cli::Options& all) override {
    all.add_number<std::size_t>("--callers", callers_, 1, 16, "threads that call in turns");
    all.add_number<std::size_t>("--answer-bytes", answer_bytes_, 0, 1048576, "length of an answer",
                                {.unit = "bytes"});
    all.add_cpu("--pin-answerer", pin_answerer_, "CPU that the answerer runs on",
                {.means = "pin", .role = "answerer"});
  }

  std::string conflict(const Kit& /*kit*/) const override { return {}; }

  double memory_bytes(const Kit& kit) const override {
    return static_cast<double>(callers_ *
                               (kit.record.samples() * sizeof(CallTimes) + answer_bytes_));
  }

  std::string_view memory_options() const override { return "--callers or --max-samples"; }

  Outcome run(const Kit& kit, record::Files& files, std::atomic<bool>& stop) override {
    Answerer answerer;
    load::Phases phases{};
    Crew crew(kit.threads, stop);
    crew.add({.name = "answerer", .role = "answerer", .cpu = pin_answerer_},
             [&](const Crew::Ready& ready) {
               if (ready()) {
                 answerer.run();
               }
             });
    for (std::size_t place = 0; place < callers_; ++place) {
      Call& call =
          answerer.calls.emplace_back(kit.record.samples(), kit.intervals(), answer_bytes_);
      crew.add(
          {.name = fmt::format("caller-{}", place), .role = "caller", .cpu = {}},
          [&, place](const Crew::Ready& ready) {
            if (ready()) {
              call_all(kit.load, place, phases, answerer, call, stop);
            }
          },
          [&answerer, is_last = place == 0] {  // they end in the reverse order
            answerer.closed = is_last;
            answerer.ring();
          });
    }
    crew.wait_until_ready();
    phases = load::phases_from_now(kit.load);
    for (Call& call : answerer.calls) {
      call.recorder.begin(phases.measured.begin_ns);
    }
    crew.start(phases.quiet_ns, phases.measured.begin_ns);
    std::vector<threads::Record> threads = crew.join();

    Call& all = answerer.calls.front();
    for (auto call = answerer.calls.begin() + 1; call != answerer.calls.end(); ++call) {
      all.recorder.merge(call->recorder);
      all.missed += call->missed;
    }
    const Nanoseconds begin_ns = phases.measured.begin_ns;
    const Nanoseconds end_ns = std::min(platform::now_ns(), phases.measured.end_ns);
    const Nanoseconds elapsed_ns =
        std::max({all.recorder.last_done_ns(), end_ns, begin_ns + 1}) - begin_ns;
    const auto items = static_cast<double>(all.recorder.items());
    const double calls_s = items / platform::to_seconds(elapsed_ns);
    files.write(all.recorder, begin_ns);
    return {.begin_ns = begin_ns,
            .elapsed_ns = elapsed_ns,
            .stats = {{"items", fmt::to_string(all.recorder.items())},
                      {"missed", fmt::to_string(all.missed)},
                      {"answered_ops_s", fmt::to_string(calls_s)},
                      {"answered_bytes_s",
                       fmt::to_string(calls_s * static_cast<double>(answer_bytes_))},
                      {"idle_looks", fmt::to_string(answerer.idle_looks)},
                      {"samples", fmt::to_string(all.recorder.samples().size())}},
            .threads = std::move(threads),
            .series = all.recorder.series(elapsed_ns)};
  }

 private:
  void call_all(const load::Options& load, std::size_t place, const load::Phases& phases,
                Answerer& answerer, Call& call, const std::atomic<bool>& stop) const {
    const load::Share share{.which = place, .many = callers_};
    call.missed = load::make_share(load, share, phases, stop, [&](auto& pacing, bool measures) {
      while (const std::optional<load::Turn> turn = pacing.next(stop)) {
        call.asked = true;
        answerer.ring();
        call.asked.wait(true);
        if (measures) {
          call.recorder.record({turn->intended_ns, turn->created_ns, call.taken_ns,
                                call.answered_ns, platform::now_ns()});
        }
      }
    });
  }

  std::size_t callers_{2};
  std::size_t answer_bytes_{64};
  std::optional<int> pin_answerer_;
};

}  // namespace

std::unique_ptr<Workload> make() { return std::make_unique<Echo>(); }

}  // namespace pipelab::echo
