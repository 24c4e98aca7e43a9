#pragma once

#include <array>
#include <cstdint>

#include "platform/clock.hpp"
#include "record/histogram.hpp"
#include "record/recorder.hpp"
#include "workloads/rpc/call_times.hpp"
#include "workloads/rpc/link.hpp"
#include "workloads/rpc/message.hpp"

namespace pipelab::rpc {

using Recorder = record::Recorder<CallTimes>;

/// What a client saw. What is not measured alone is of the whole run.
struct Called {
  static constexpr std::array<Error, 4> kErrors{Error::kParse, Error::kInvalidRequest,
                                                Error::kMethodNotFound, Error::kInvalidParams};

  std::uint64_t sent{0};      ///< requests
  std::uint64_t settled{0};   ///< requests that are over
  std::uint64_t missed{0};    ///< of the schedule, that were never made
  std::uint64_t timeouts{0};  ///< measured requests without a reply in their time
  std::uint64_t failed{0};    ///< measured requests that an error answered
  std::uint64_t lost{0};      ///< measured requests whose server died
  std::uint64_t wrong{0};     ///< replies with another result than theirs
  std::uint64_t late{0};      ///< replies to a request that was over, refused
  std::uint64_t unknown{0};   ///< replies with an id that nobody gave
  std::uint64_t broken{0};    ///< messages, and objects of them, that are no replies
  std::array<std::uint64_t, kErrors.size()> errors{};  ///< replies that are
  std::uint64_t sent_bytes{0};                         ///< of messages with measured requests
  std::uint64_t reply_bytes{0};                        ///< of messages with their results
  std::uint64_t most_pending{0};                       ///< requests without a reply, at one time
  platform::Nanoseconds connect_ns{0};                 ///< what it took to connect
  platform::Nanoseconds handshake_ns{0};  ///< what the first call took, over all connections
  platform::Nanoseconds end_ns{0};        ///< when the client said that nothing more comes
  platform::Nanoseconds ended_ns{0};      ///< when the server had said so, too
  std::uint64_t reconnects{0};
  platform::Nanoseconds reconnect_ns{0};  ///< from the loss of the server to the next one's answer
  std::size_t correlation_bytes{0};       ///< that a full window takes in malloc's memory
  record::Histogram lookup;  ///< what finding its request took one reply in 64, with a clock read
  Tally tally{};
};

/// What a server did in the whole of a run, in memory that both sides have.
struct Served {
  std::uint64_t messages{0};
  std::uint64_t requests{0};  ///< that it did what they ask for
  std::uint64_t refused{0};   ///< that it answered with an error, and messages that were none
  Tally tally{};
};

}  // namespace pipelab::rpc
