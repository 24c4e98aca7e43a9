#include "workloads/rpc/options.hpp"

#include <fmt/format.h>

#include "load/fault.hpp"
#include "threads/options.hpp"

namespace pipelab::rpc {
namespace {

constexpr bool kHasSimdjson = PIPELAB_SIMDJSON != 0;

void add_messages(cli::Options& all, Options& options) {
  all.add_choice<Shape>("--message", options.shape,
                        {{"small", Shape::kSmall, "three arguments, 206 bytes"},
                         {"large", Shape::kLarge, "many numbers, 806 bytes"},
                         {"string", Shape::kString, "one long string, 65536 bytes"}},
                        "what a request has");
  all.add_number<std::size_t>("--bytes", options.bytes, kLeastBytes, kMostBytes,
                              "of a request, in place of what is usual", {.unit = "bytes"});
  all.add_number<std::size_t>("--batch", options.batch, 1, kMostBatch, "requests a message");
  all.add_choice<Json>("--parser", options.parser,
                       {{"simdjson", Json::kSimdjson, "simdjson, on demand"},
                        {"rapidjson", Json::kRapidjson, "RapidJSON, in place"},
                        {"none", Json::kNone, "none: binary records, which are not JSON"}},
                       "what reads messages");
  all.add_choice<Copy>("--copy", options.copy,
                       {{"none", Copy::kNone, "in place"},
                        {"once", Copy::kOnce, "a copy of it, in memory that is used again"}},
                       "what of a message the server parses");
  all.add_choice<Ids>("--ids", options.ids,
                      {{"number", Ids::kNumber, "numbers"}, {"string", Ids::kString, "strings"}},
                      "what the ids of requests are");
}

}  // namespace

void add_options(cli::Options& all, Options& options) {
  all.add_choice<Peer>("--peer", options.peer,
                       {{"thread", Peer::kThread, "in this process"},
                        {"process", Peer::kProcess, "in one of its own"}},
                       "where the server is");
  all.add_choice<Transport>("--transport", options.transport,
                            {{"rings", Transport::kRings, "rings of buffers in memory"},
                             {"pipe", Transport::kPipe, "a pipe each way"},
                             {"unix", Transport::kUnix, "a socket"},
                             {"tcp", Transport::kTcp, "a socket over loopback"}},
                            "what joins client and server");
  all.add_number<std::size_t>("--connections", options.connections, 1, kMostConnections,
                              "between them, not over rings; each takes its turn");
  add_messages(all, options);
  all.add_number<std::size_t>("--window", options.window, 1, kMostWindow,
                              "requests without a reply, at most, over all connections: with "
                              "--prod-interval-us 0 there are always so many");
  all.add_choice<Correlate>(
      "--correlate", options.correlate,
      {{"slots", Correlate::kSlots, "an array, whose index and generation are the id"},
       {"map", Correlate::kMap, "a hash table under a mutex"},
       {"sharded", Correlate::kSharded, "64 of them"},
       {"tbb", Correlate::kTbb, "oneTBB's concurrent_hash_map"}},
      "how the client finds the request of a reply");
  all.add_choice<Pool>("--pool", options.pool,
                       {{"return-ring", Pool::kReturnRing, "a stock, to which a ring brings back"},
                        {"shared-stack", Pool::kSharedStack,
                         "a stock, and a stack that both sides change without a lock"},
                        {"malloc", Pool::kMalloc, "malloc here and free there"},
                        {"mimalloc", Pool::kMimalloc, "mi_malloc here and mi_free there"}},
                       "where the buffers of rings come from");
  all.add_number<std::int64_t>("--work-ns", options.work_ns, 0, 1'000'000'000,
                               "that a request keeps the server busy", {.unit = "ns"});
  all.add_number<std::size_t>("--timeout-ms", options.timeout_ms, 1, 60'000,
                              "after which a request without a reply has failed", {.unit = "ms"});
  threads::add_wait(all, options.wait, "a ring");
  all.add_value(
      {.name = "--fault",
       .type = "word",
       .form = "parse|invalid|method|params|drop|twice|unknown|late:N|kill-server@S",
       .valid = "parse:N, invalid:N, method:N, params:N, drop:N, twice:N, unknown:N or late:N "
                "(N from 1 to a thousand million), or kill-server@S (S from 0 to 86400)",
       .help = "what happens at every Nth request: the client sends another that is wrong in that "
               "way; or the server gives no reply, two, another whose id nobody knows, or one that "
               "is too late. Or the server dies S seconds after the begin, and another takes its "
               "place"},
      options.fault, to_fault);
  threads::add_roles(all, {{"client", "the client's threads run", options.client},
                           {"server", "the server runs", options.server}});
}

std::string conflict(const Options& options, const Kit& kit) {
  if (std::string refused = threads::conflict(
          kit.threads.scheduling, {{"client", options.client}, {"server", options.server}});
      !refused.empty()) {
    return refused;
  }
  const bool rings = options.transport == Transport::kRings;
  if (!kHasSimdjson && options.parser == Json::kSimdjson) {
    return "--parser: this program was built without simdjson: give rapidjson or none";
  }
  if (options.wait && !rings) {
    return "--wait: only at rings is it the program that waits: leave it out";
  }
  if (PIPELAB_TBB == 0 && options.correlate == Correlate::kTbb) {
    return "--correlate: this program was built without oneTBB: give slots, map or sharded";
  }
  if (PIPELAB_MIMALLOC == 0 && options.pool == Pool::kMimalloc) {
    return "--pool: this program was built without mimalloc: give return-ring, shared-stack or "
           "malloc";
  }
  if (options.pool != Pool::kReturnRing && !rings) {
    return "--pool: only the buffers of rings come from one: leave it or --transport out";
  }
  if (!options.has_stock() && rings && options.peer == Peer::kProcess) {
    return "--pool: what is allocated reaches another thread only: leave out --peer, or give "
           "return-ring or shared-stack";
  }
  if (options.connections > 1 && rings) {
    return "--connections: rings join one client with one server: give --transport pipe, unix or "
           "tcp, or leave it out";
  }
  if (options.restarts() &&
      (options.peer != Peer::kProcess || rings || options.transport == Transport::kPipe)) {
    return "--fault: a server that dies needs a process, and a socket at which another can take "
           "its place: give --peer process and --transport unix or tcp";
  }
  if (std::string refused = load::conflict(options.fault, kit.load); !refused.empty()) {
    return refused;
  }
  if (options.batch > options.window) {
    return fmt::format(
        "--batch: '{}' requests are never without a reply with a --window of {}: give a window "
        "of at least so many",
        options.batch, options.window);
  }
  if (options.parser == Json::kNone && (options.fault || options.ids == Ids::kString)) {
    return fmt::format("--{}: records are no JSON that could have it: give another --parser",
                       options.fault ? "fault" : "ids");
  }
  return {};
}

std::optional<Fault> to_fault(std::string_view text) {
  using What = Fault::What;
  return load::to_fault<Fault>(text, {{"kill-server", What::kKill}},
                               {{"parse", What::kParse},
                                {"invalid", What::kInvalid},
                                {"method", What::kMethod},
                                {"params", What::kParams},
                                {"drop", What::kDrop},
                                {"twice", What::kTwice},
                                {"unknown", What::kUnknown},
                                {"late", What::kLate}});
}

}  // namespace pipelab::rpc
