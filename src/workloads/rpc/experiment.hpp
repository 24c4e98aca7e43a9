#pragma once

#include <atomic>
#include <cstddef>
#include <vector>

#include "platform/clock.hpp"
#include "threads/record.hpp"
#include "workload.hpp"
#include "workloads/rpc/called.hpp"
#include "workloads/rpc/options.hpp"

namespace pipelab::rpc {

/// What one run measured, beside what the recorder holds.
struct Measured {
  platform::Nanoseconds begin_ns{0};    ///< when the measured phase began
  platform::Nanoseconds elapsed_ns{0};  ///< from there to its end or the last reply's, if later
  platform::Nanoseconds counted_ns{0};  ///< for how long CPU time was: from the quiet moment on
  Called called;
  Served served;
  std::vector<threads::Record> threads;  ///< of the client, then of the server
};

/// How many bytes client and server share.
std::size_t shared_bytes(const Options& options);

/// What both sides allocate for each connection, without what the kernel has for it.
std::size_t bytes_a_connection(const Options& options);

/// Runs the client and the server that the options describe, and leaves the requests of the
/// measured phase in `recorder`; setting `stop` ends both phases early. Throws std::system_error
/// when the kernel refuses what the options want, std::logic_error when a request was lost or its
/// result is another's, and PeerGone or std::runtime_error when one side ended before its time.
Measured measure(const Kit& kit, const Options& options, Recorder& recorder,
                 std::atomic<bool>& stop);

}  // namespace pipelab::rpc
