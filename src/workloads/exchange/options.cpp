#include "workloads/exchange/options.hpp"

#include <fmt/format.h>

#include <cstdint>

#include "load/fault.hpp"
#include "threads/options.hpp"
#include "workloads/exchange/word.hpp"

namespace pipelab::exchange {

void add_options(cli::Options& all, Options& options) {
  all.add_number<std::size_t>("--pairs", options.pairs, 1, 64,
                              "callers, each with a responder of its own");
  all.add_choice<Responder>("--responder", options.responder,
                            {{"process", Responder::kProcess, "in a process of their own"},
                             {"thread", Responder::kThread, "in this one"},
                             {"go", Responder::kGo, "in one that is written in Go"}},
                            "where the responders are");
  all.add_choice<Transport>("--transport", options.transport,
                            {{"slot", Transport::kSlot, "in memory that both share"},
                             {"queues", Transport::kQueues, "a ring each way"},
                             {"futex", Transport::kFutex, "a slot, and a futex at each turn"},
                             {"eventfd", Transport::kEventfd, "a slot, and an eventfd at each"},
                             {"pipe", Transport::kPipe, "one each way"},
                             {"unix", Transport::kUnix, "a socket"},
                             {"tcp", Transport::kTcp, "a socket over loopback"}},
                            "what joins the two");
  all.add_choice<Layout>("--layout", options.layout,
                         {{"lines", Layout::kLines, "a word, and the payload behind it"},
                          {"split", Layout::kSplit, "a line for the word, others for the payload"},
                          {"claimed", Layout::kClaimed,
                           "a header that is claimed by compare-and-swap, and lines each way"}},
                         "of a slot");
  all.add_number<std::size_t>("--payload-bytes", options.payload_bytes, 8,
                              Word::kMostPayloadWords / 2 * sizeof(std::uint64_t),
                              "of a request and of its reply, a multiple of 8", {.unit = "bytes"});
  all.add_flag("--zero-copy", options.zero_copy,
               "write and read payloads where they lie in the slot");
  threads::add_wait(all, options.wait, "a slot or queue",
                    {{"counted", Wait::kCounted, "spin 100 to 20,000 turns, then sleep"},
                     {"long-spin", Wait::kLongSpin, "spin 50,000 turns, then sleep"}});
  all.add_choice<Callback>(
      "--callback", options.callback,
      {{"none", Callback::kNone, "it does not"},
       {"reentrant", Callback::kReentrant, "the caller that waits answers it, in the same slot"},
       {"listener", Callback::kListener, "a thread of its own does"}},
      "whether the responder calls back before it answers");
  all.add_number<std::size_t>("--depth", options.depth, 1, kMostDepth,
                              "calls back that are made within each other");
  all.add_value(
      {.name = "--fault",
       .type = "word",
       .form = "kill-responder|stop-responder|scribble|slow@S",
       .valid = "kill-responder@S, stop-responder@S, scribble@S or slow@S, S seconds after "
                "the begin, from 0 to 86400",
       .help = "what is done to the responders in the middle of the run: others, which wait "
               "for that, take their place"},
      options.fault, to_fault);
  all.add_number<std::size_t>("--lease-ms", options.lease_ms, 1, 10'000,
                              "how long a caller waits for an answer, with --fault",
                              {.unit = "ms"});
  threads::add_roles(all, {{"caller", "the callers run", options.callers},
                           {"responder", "the responders run", options.responders}});
}

std::string conflict(const Options& options, const Kit& kit) {
  if (std::string refused = threads::conflict(
          kit.threads.scheduling, {{"caller", options.callers}, {"responder", options.responders}});
      !refused.empty()) {
    return refused;
  }
  if (options.payload_bytes % sizeof(std::uint64_t) != 0) {
    return fmt::format("--payload-bytes: '{}' is not valid: give a multiple of 8",
                       options.payload_bytes);
  }
  if (options.wait && !options.waits_itself()) {
    return "--wait: only at a slot and at queues is it the program that waits: leave it out";
  }
  if (options.layout != Layout::kLines && options.transport != Transport::kSlot) {
    return "--layout: only a slot has another than lines: leave it out";
  }
  if (options.zero_copy && !options.in_memory()) {
    return "--zero-copy: what goes through the kernel is copied: leave it out";
  }
  if (options.depth > 1 && options.callback == Callback::kNone) {
    return "--depth: there are no calls back: give --callback as well";
  }
  if (options.responder == Responder::kGo &&
      (options.transport != Transport::kSlot || options.layout == Layout::kClaimed ||
       options.callback == Callback::kListener || options.waiting() == Wait::kHybrid ||
       options.waiting() == Wait::kCounted || options.waiting() == Wait::kLongSpin)) {
    return "--responder: go knows a slot with lines or split, none and reentrant calls back, and "
           "to wait by spin, yield, futex and adaptive: leave out what asks for others";
  }
  if (options.responder == Responder::kGo &&
      options.responders.scheduling.value_or(kit.threads.scheduling).klass ==
          platform::Scheduling::Class::kDeadline) {
    return fmt::format(
        "--sched{}: Linux lets no thread of the deadline class start others, as Go does: give "
        "another class, or another --responder",
        options.responders.scheduling ? "-responder" : "");
  }
  if (options.fault &&
      (options.transport != Transport::kSlot || options.responder != Responder::kProcess ||
       options.callback != Callback::kNone)) {
    return "--fault: needs a slot, responders in a process of their own, and no calls back: leave "
           "out --transport, --responder and --callback";
  }
  if (std::string refused = load::conflict(options.fault, kit.load); !refused.empty()) {
    return refused;
  }
  if (!options.fault && options.lease_ms != Options{}.lease_ms) {
    return "--lease-ms: only with a fault does a caller not wait for ever: give --fault as well";
  }
  return {};
}

std::optional<Fault> to_fault(std::string_view text) {
  using What = Fault::What;
  return load::to_fault<Fault>(text, {{"kill-responder", What::kKill},
                                      {"stop-responder", What::kStop},
                                      {"scribble", What::kScribble},
                                      {"slow", What::kSlow}});
}

}  // namespace pipelab::exchange
