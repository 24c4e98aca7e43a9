#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <vector>

#include "load/phases.hpp"
#include "platform/segment.hpp"
#include "threads/options.hpp"
#include "threads/process.hpp"
#include "threads/record.hpp"
#include "workloads/exchange/options.hpp"

namespace pipelab::exchange {

// The responders in Go (go/) are a program of their own, beside this one, which maps the segment,
// and finds there what it is told. The layout of that is that of Go's plan and pair.

struct GoPlan {
  std::uint64_t pairs;
  std::uint64_t words;  ///< of a payload
  std::uint64_t way;    ///< to wait: it spins (0), yields, parks, or spins and then parks (3)
  std::uint64_t depth;  ///< of calls back
  std::uint64_t zero_copy;
  std::uint64_t served;  ///< how many calls' times are kept
  std::uint64_t served_every;
};

/// Where in the segment is what one pair uses.
struct GoPair {
  std::uint64_t word;
  std::uint64_t payload;
  std::uint64_t sleep;  ///< the word at which the responder sleeps
  std::uint64_t wake;   ///< and the caller
  std::uint64_t served;
  std::uint64_t account;
};

/// The file of the program. Throws std::runtime_error where it is not.
std::filesystem::path go_program();

/// Writes into the segment what responders in Go have to know: of every `served_every`th call of
/// `served` at most they keep the times.
GoPlan& write_go_plan(const Options& options, std::size_t served, std::size_t served_every,
                      std::span<const GoPair> pairs, platform::Segment& segment);

/// Lets responders in Go answer all calls, from a process that has nothing else to do, and returns
/// the records of their threads; when `stop` is set it no longer waits for the measured part.
/// `plan` is in the segment, and behind it the pairs. Throws
/// std::runtime_error with what they complain of.
std::vector<threads::Record> respond_in_go(const threads::Options& threads, const Options& options,
                                           const platform::Segment& segment, const GoPlan& plan,
                                           const load::Phases& phases,
                                           const threads::Process::Parent& parent,
                                           const std::atomic<bool>& stop);

}  // namespace pipelab::exchange
