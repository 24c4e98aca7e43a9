#pragma once

#include <atomic>
#include <cstddef>
#include <optional>
#include <vector>

#include "platform/clock.hpp"
#include "threads/record.hpp"
#include "workload.hpp"
#include "workloads/feed/client.hpp"
#include "workloads/feed/delivery_times.hpp"
#include "workloads/feed/display.hpp"
#include "workloads/feed/options.hpp"
#include "workloads/feed/plan.hpp"

namespace pipelab::feed {

/// What one run measured, beside what the recorder holds.
struct Measured {
  platform::Nanoseconds begin_ns{0};    ///< when the measured phase began
  platform::Nanoseconds elapsed_ns{0};  ///< from there to its end or the last delivery, if later
  Served served;
  Received received;
  std::optional<Displayed> displayed{};
  std::vector<threads::Record> threads{};  ///< of the clients, then of the server
};

/// How many bytes the processes share.
std::size_t shared_bytes(const Options& options);

/// What a client has, with its part of what is shared.
std::size_t bytes_a_client(const Options& options);

/// Runs the server and the clients that the options describe, and leaves the deliveries of the
/// measured phase in `recorder`; setting `stop` ends both phases early. Throws std::system_error
/// when the kernel refuses what the options want, std::logic_error when a message was lost that
/// nobody counted, and PeerGone or std::runtime_error when one side ended before its time.
Measured measure(const Kit& kit, const Options& options, Recorder& recorder,
                 std::atomic<bool>& stop);

}  // namespace pipelab::feed
