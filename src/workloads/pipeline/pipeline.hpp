#pragma once

#include <memory>

#include "workload.hpp"
#include "workloads/pipeline/options.hpp"

namespace pipelab::pipeline {

/// A producer, a queue, and a consumer.
class Pipeline : public Workload {
 public:
  std::string_view description() const override;
  void add_options(cli::Options& all) override;
  std::string conflict(const Kit& kit) const override;
  double memory_bytes(const Kit& kit) const override;
  std::string_view memory_options() const override;
  Outcome run(const Kit& kit, record::Files& files, std::atomic<bool>& stop) override;

  const Options& options() const noexcept { return options_; }

 private:
  Options options_;
};

std::unique_ptr<Workload> make();

}  // namespace pipelab::pipeline
