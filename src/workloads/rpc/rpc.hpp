#pragma once

#include <memory>

#include "workload.hpp"
#include "workloads/rpc/options.hpp"

namespace pipelab::rpc {

/// A client that asks a server over JSON-RPC.
class Rpc : public Workload {
 public:
  std::string_view description() const override;
  void add_options(cli::Options& all) override;
  std::string conflict(const Kit& kit) const override;
  double memory_bytes(const Kit& kit) const override;
  std::string_view memory_options() const override;
  Outcome run(const Kit& kit, record::Files& files, std::atomic<bool>& stop) override;

 private:
  Options options_;
};

std::unique_ptr<Workload> make();

}  // namespace pipelab::rpc
