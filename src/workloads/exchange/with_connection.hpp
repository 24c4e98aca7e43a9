#pragma once

#include <stdexcept>
#include <type_traits>

#include "workloads/exchange/options.hpp"
#include "workloads/exchange/queues_connection.hpp"
#include "workloads/exchange/slot_connection.hpp"
#include "workloads/exchange/stream_connection.hpp"

namespace pipelab::exchange {

/// Calls `use` with the type of the connections that `options` describe, as a std::type_identity,
/// so that the loops over them are compiled for each; returns what `use` does.
template <class Use>
auto with_connection(const Options& options, Use use) {
  switch (options.transport) {
    case Transport::kSlot:
      switch (options.layout) {
        case Layout::kLines:
          return use(std::type_identity<SlotConnection<LinesSlot, threads::ElidedBell>>{});
        case Layout::kSplit:
          return use(std::type_identity<SlotConnection<SplitSlot, threads::ElidedBell>>{});
        case Layout::kClaimed:
          return use(std::type_identity<SlotConnection<ClaimedSlot, threads::ElidedBell>>{});
      }
      break;
    case Transport::kQueues:
      return use(std::type_identity<QueuesConnection>{});
    case Transport::kFutex:
      return use(std::type_identity<SlotConnection<LinesSlot, threads::FutexBell>>{});
    case Transport::kEventfd:
      return use(std::type_identity<SlotConnection<LinesSlot, threads::EventfdBell>>{});
    case Transport::kPipe:
    case Transport::kUnix:
    case Transport::kTcp:
      return use(std::type_identity<StreamConnection>{});
  }
  throw std::logic_error("an unknown transport");
}

}  // namespace pipelab::exchange
