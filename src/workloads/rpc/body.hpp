#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "workloads/rpc/options.hpp"

namespace pipelab::rpc {

/// What all requests of a run hold behind their number, made from the seed: what stands in the
/// place of a corpus.
struct Body {
  std::string tail;     ///< as text, with what closes the request; of a record its bytes
  std::int64_t sum{0};  ///< what the server's answer is more than the number
};

/// A body that makes a request as long as the options say.
Body make_body(const Options& options, std::uint64_t seed);

}  // namespace pipelab::rpc
