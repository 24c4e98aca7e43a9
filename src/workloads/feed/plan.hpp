#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory_resource>
#include <vector>

#include "load/phases.hpp"
#include "workloads/feed/generator.hpp"
#include "workloads/feed/message.hpp"
#include "workloads/feed/options.hpp"
#include "workloads/feed/write_log.hpp"

namespace pipelab::feed {

/// What a server counts, of the whole run but for the first two.
struct Served {
  std::uint64_t measured{0};  ///< messages that were made for the measured part
  std::uint64_t missed{0};    ///< that the schedule wanted there, and that were not made
  std::uint64_t messages{0};  ///< that have a number
  std::uint64_t bytes{0};     ///< that were written, over all clients
  std::uint64_t dropped{0};   ///< for one client
  std::uint64_t conflated{0};
  std::uint64_t disconnects{0};
  std::uint64_t system_calls{0};
};

/// What a run's processes know of it, in memory that they share. The server writes it, and another
/// that takes its place goes on with what it finds.
struct Plan {
  static constexpr std::size_t kFlushes = 65'536;  ///< that are remembered
  static constexpr std::size_t kWrites = 1'024;    ///< for each client

  Plan(const Options& options, std::pmr::memory_resource& shared)
      : prices(options.symbols, Generator::kFirstPrice, &shared),
        latest(2 * options.symbols * frame::kBytes, &shared),
        flushes(kFlushes, shared),
        writes(&shared) {
    writes.reserve(options.clients);
    std::pmr::polymorphic_allocator<> all(&shared);
    for (std::size_t client = 0; client < options.clients; ++client) {
      writes.push_back(all.new_object<WriteLog>(kWrites, shared));
    }
  }

  static std::size_t bytes(const Options& options) noexcept {
    constexpr std::size_t kRoom = 65'536;
    const std::size_t each = WriteLog::bytes(kWrites) + sizeof(WriteLog) + 512;
    return sizeof(Plan) + kRoom + WriteLog::bytes(kFlushes) + options.clients * each +
           options.symbols * (sizeof(double) + 2 * frame::kBytes);
  }

  /// Where the last quote or trade of a symbol is in `latest`, and where that lies.
  static std::uint32_t key(std::uint32_t symbol, Message::Type type) noexcept {
    return 2 * symbol + (type == Message::Type::kTrade ? 1 : 0);
  }
  std::byte* latest_of(std::uint32_t key) noexcept { return &latest[key * frame::kBytes]; }

  load::Phases phases{};               ///< there before the run starts
  std::atomic<bool> is_killed{false};  ///< the first server is about to die
  std::atomic<bool> is_done{false};    ///< all was sent
  Sequence next{1};                    ///< the number that the next message has
  std::pmr::vector<double> prices;
  std::pmr::vector<std::byte> latest;  ///< frames that were flushed; all 0: none yet
  WriteLog flushes;
  std::pmr::vector<WriteLog*> writes;  ///< to each client
  Served served;
};

}  // namespace pipelab::feed
