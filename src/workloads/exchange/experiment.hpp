#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <optional>
#include <vector>

#include "platform/clock.hpp"
#include "record/recorder.hpp"
#include "threads/record.hpp"
#include "workload.hpp"
#include "workloads/exchange/call_times.hpp"
#include "workloads/exchange/dialogue.hpp"
#include "workloads/exchange/options.hpp"

namespace pipelab::exchange {

using Recorder = record::Recorder<CallTimes>;

/// What one run measured, beside what the recorder holds.
struct Measured {
  platform::Nanoseconds begin_ns{0};        ///< when the measured phase began
  platform::Nanoseconds elapsed_ns{0};      ///< from there to its end or the last call's, if later
  platform::Nanoseconds round_trips_ns{0};  ///< the sum of all measured calls'
  std::uint64_t missed{0};                  ///< calls of the schedule that were never made
  std::vector<std::uint64_t> calls;         ///< measured ones, of each pair
  std::vector<threads::Record> threads;     ///< callers, then responders and listeners
  Account account;                          ///< of all ends, in the whole run
  std::array<std::uint64_t, kWhys> failed{};       ///< measured calls, by CallFailed::Why
  std::uint64_t failed_before{0};                  ///< calls before them
  std::optional<platform::Nanoseconds> notice_ns;  ///< from the fault to when the last caller knew
};

/// How many bytes both sides of an exchange share.
std::size_t shared_bytes(const Kit& kit, const Options& options);

/// Runs the exchange that the options describe, and leaves the calls of the measured phase in
/// `recorder`; setting `stop` ends both phases early. Throws std::system_error when the kernel
/// refuses what the options want, std::logic_error when a call was lost, doubled or torn,
/// std::runtime_error when the other process ended before its time, and whatever a thread threw.
Measured measure(const Kit& kit, const Options& options, Recorder& recorder,
                 std::atomic<bool>& stop);

}  // namespace pipelab::exchange
