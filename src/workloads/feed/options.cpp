#include "workloads/feed/options.hpp"

#include <fmt/format.h>

#include "load/fault.hpp"
#include "threads/options.hpp"

namespace pipelab::feed {
namespace {

void add_slow(cli::Options& all, Options& options) {
  all.add_choice<SlowPolicy>(
      "--slow-policy", options.slow_policy,
      {{"wait", SlowPolicy::kWait, "the server waits for it, and so do the others"},
       {"drop", SlowPolicy::kDrop, "what comes next is not sent to it"},
       {"conflate", SlowPolicy::kConflate, "it gets the last of each symbol when it has room"},
       {"disconnect", SlowPolicy::kDisconnect, "it has to connect again, and gets a snapshot"}},
      "what becomes of a client for which more waits than may");
  all.add_number<std::size_t>("--out-limit", options.out_limit, 4'096, 64'000'000,
                              "that may wait for a client, beside what the kernel or a ring holds",
                              {.unit = "bytes"});
}

}  // namespace

void add_options(cli::Options& all, Options& options) {
  all.add_number<std::size_t>("--clients", options.clients, 1, kMostClients,
                              "each with a connection and a cache of its own");
  all.add_number<std::size_t>("--client-loops", options.client_loops, 1, kMostLoops,
                              "threads that the clients are spread over");
  all.add_choice<Transport>("--transport", options.transport,
                            {{"unix", Transport::kUnix, "a socket each"},
                             {"tcp", Transport::kTcp, "a socket each over loopback"},
                             {"shm", Transport::kShm, "a ring each in shared memory"}},
                            "what joins the server with its clients");
  all.add_choice<Io>("--io", options.io,
                     {{"epoll-edge", Io::kEpollEdge, "epoll, then read until nothing is left"},
                      {"epoll-level", Io::kEpollLevel, "epoll, then read once"},
                      {"spin", Io::kSpin, "read each socket again and again"}},
                     "how clients wait at sockets");
  threads::add_wait(all, options.wait, "a ring");
  all.add_number<std::size_t>("--symbols", options.symbols, 1, kMostSymbols,
                              "whose prices follow geometric Brownian motion");
  all.add_choice<Checksum>("--checksum", options.checksum,
                           {{"crc32c", Checksum::kCrc32c, "CRC-32C, by the CPU where it can"},
                            {"xxh3", Checksum::kXxh3, "half of xxHash's XXH3"},
                            {"none", Checksum::kNone, "none"}},
                           "of each message");
  all.add_value(
      {.name = "--batch",
       .type = "word",
       .form = "now|due|N|Nus",
       .valid = fmt::format("now, due, a number of messages (1 to {}), or of microseconds "
                            "(1us to 1000000us)",
                            kMostBatch),
       .standard = "due",
       .help = "what is sent together: each message alone, all that are due, so many, or "
               "what is made in so many microseconds"},
      options.batch, to_batch);
  add_slow(all, options);
  all.add_choice<Guard>("--cache", options.cache,
                        {{"seqlock", Guard::kSeqlock, "a sequence lock a symbol"},
                         {"mutex", Guard::kMutex, "a mutex a cache"},
                         {"shared_mutex", Guard::kSharedMutex, "a shared mutex a cache"}},
                        "what keeps readers of a client's cache from torn entries");
  all.add_number<std::int64_t>("--display-ms", options.display_ms, 1, 60'000,
                               "between two times at which another thread reads all symbols of the "
                               "first client, sorts them by activity, and renders them",
                               {.unit = "ms"});
  all.add_value(
      {.name = "--fault",
       .type = "word",
       .form = "gap|corrupt|length|type:N|stuck|kill-server@S",
       .valid = "gap:N, corrupt:N, length:N or type:N (N from 1 to a thousand million), or "
                "stuck@S or kill-server@S (S from 0 to 86400)",
       .help = "what goes wrong: every Nth message is not sent, or has a wrong checksum, "
               "length or type. Or S seconds after the begin the last client reads "
               "nothing for half of the time that is left, or the server dies and another takes "
               "its place"},
      options.fault, to_fault);
  all.add_number<std::int64_t>("--back-off-ms", options.back_off_ms, 1, 60'000,
                               "before a client connects again, 10 if it is not given; twice as "
                               "long after each time that this fails",
                               {.unit = "ms"});
  threads::add_roles(all, {{"client", "the clients' threads run", options.client},
                           {"server", "the server runs", options.server}});
}

std::string conflict(const Options& options, const Kit& kit) {
  if (std::string refused = threads::conflict(
          kit.threads.scheduling, {{"client", options.client}, {"server", options.server}});
      !refused.empty()) {
    return refused;
  }
  const bool shm = options.transport == Transport::kShm;
  if (options.client_loops > options.clients) {
    return fmt::format("--client-loops: '{}' are more than there are clients: give {} or fewer",
                       options.client_loops, options.clients);
  }
  if (PIPELAB_XXHASH == 0 && options.checksum == Checksum::kXxh3) {
    return "--checksum: this program was built without xxHash: give crc32c or none";
  }
  if (options.io && shm) {
    return "--io: at a ring it is the program that waits: give --wait, or another --transport";
  }
  if (options.wait && !shm) {
    return "--wait: only at rings is it the program that waits: give --io, or --transport shm";
  }
  if (options.reconnects() && shm) {
    return fmt::format("--{}: nobody can connect again to a ring: give another --transport",
                       options.has(Fault::What::kKill) ? "fault" : "slow-policy");
  }
  if (options.back_off_ms && !options.reconnects()) {
    return "--back-off-ms: no client connects again: give --slow-policy disconnect or --fault "
           "kill-server, or leave it out";
  }
  if (options.has(Fault::What::kStuck) && options.clients == 1) {
    return "--fault: one client that is stuck has no others: give more --clients";
  }
  if (options.keeps_latest() && options.fault && options.fault->spoils()) {
    return "--fault: a message that is kept for who comes late must not be spoilt: leave "
           "--slow-policy out";
  }
  if (std::string refused = load::conflict(options.fault, kit.load); !refused.empty()) {
    return refused;
  }
  if (options.batch.kind == Batch::Kind::kTime && kit.load.pacing != load::Pacing::kDeadline) {
    return "--batch: only with --pacing deadline does the server look at a batch's age: leave "
           "--pacing out";
  }
  return {};
}

std::optional<Batch> to_batch(std::string_view text) {
  constexpr std::string_view kMicroseconds = "us";
  constexpr std::int64_t kMostUs = 1'000'000;
  if (text == "now" || text == "due") {
    return Batch{.kind = text == "now" ? Batch::Kind::kNow : Batch::Kind::kDue};
  }
  const bool is_time = text.ends_with(kMicroseconds);
  text.remove_suffix(is_time ? kMicroseconds.size() : 0);
  const std::optional<std::int64_t> amount = cli::to_number<std::int64_t>(text);
  if (!amount || *amount < 1 || *amount > (is_time ? kMostUs : kMostBatch)) {
    return std::nullopt;
  }
  return Batch{.kind = is_time ? Batch::Kind::kTime : Batch::Kind::kCount, .amount = *amount};
}

std::optional<Fault> to_fault(std::string_view text) {
  using What = Fault::What;
  return load::to_fault<Fault>(text, {{"stuck", What::kStuck}, {"kill-server", What::kKill}},
                               {{"gap", What::kGap},
                                {"corrupt", What::kCorrupt},
                                {"length", What::kLength},
                                {"type", What::kType}});
}

}  // namespace pipelab::feed
