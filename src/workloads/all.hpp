#pragma once

#include <array>

#include "workload.hpp"
#include "workloads/exchange/exchange.hpp"
#include "workloads/feed/feed.hpp"
#include "workloads/ingress/ingress.hpp"
#include "workloads/pipeline/pipeline.hpp"
#include "workloads/rpc/rpc.hpp"

namespace pipelab {

/// Every workload. The first is the one that the command line need not name.
inline constexpr std::array kWorkloads{
    Entry{"pipeline", pipeline::make}, Entry{"exchange", exchange::make},
    Entry{"ingress", ingress::make},   Entry{"rpc", rpc::make},
    Entry{"feed", feed::make},
};

}  // namespace pipelab
