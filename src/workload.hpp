#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "cli/options.hpp"
#include "load/options.hpp"
#include "platform/clock.hpp"
#include "record/csv.hpp"
#include "record/files.hpp"
#include "record/intervals.hpp"
#include "record/options.hpp"
#include "record/series.hpp"
#include "threads/options.hpp"
#include "threads/record.hpp"

namespace pipelab {

/// The options that every workload has.
struct Kit {
  load::Options load;
  threads::Options threads;
  record::Options record;

  /// Those that the measured part is cut into.
  record::Intervals intervals() const { return record.intervals(load.duration_s); }
};

/// What a run leaves beside its samples and histograms.
struct Outcome {
  platform::Nanoseconds begin_ns;        ///< of the measured part
  platform::Nanoseconds elapsed_ns;      ///< from there to its end
  std::vector<record::Stat> stats;       ///< what it counted, the items first
  std::vector<threads::Record> threads;  ///< that it had
  record::Series series;                 ///< its course
};

/// What main() needs of a workload. Each function is called once a run.
class Workload {
 public:
  Workload() = default;
  Workload(const Workload&) = delete;
  Workload& operator=(const Workload&) = delete;
  Workload(Workload&&) = delete;
  Workload& operator=(Workload&&) = delete;
  virtual ~Workload() = default;

  /// What it does, in a sentence.
  virtual std::string_view description() const = 0;

  /// Adds the options that it has beside those of the kit.
  virtual void add_options(cli::Options& all) = 0;

  /// What is wrong with its options, together with the kit's, and what to give; empty if nothing.
  virtual std::string conflict(const Kit& kit) const = 0;

  /// About how much memory its options, and the kit's, ask for.
  virtual double memory_bytes(const Kit& kit) const = 0;

  /// Which options to give less of where there is not so much: "--this or --that".
  virtual std::string_view memory_options() const = 0;

  /// Runs, says on stdout in a few lines what it measured, and writes samples and histograms into
  /// `files`. Setting `stop` ends it early. Throws std::system_error when the kernel refuses what
  /// the options want, and std::logic_error when the program is wrong.
  virtual Outcome run(const Kit& kit, record::Files& files, std::atomic<bool>& stop) = 0;
};

/// A workload of functions over its own options. See Workload for what each is.
template <class Options>
struct Parts {
  std::string_view description;
  void (*add_options)(cli::Options& all, Options& options);
  std::string (*conflict)(const Options& options, const Kit& kit);
  double (*memory_bytes)(const Options& options, const Kit& kit);
  std::string_view memory_options;
  Outcome (*run)(const Options& options, const Kit& kit, record::Files& files,
                 std::atomic<bool>& stop);
};

/// A workload of those parts, and its options.
template <class Options>
class WorkloadOf final : public Workload {
 public:
  explicit WorkloadOf(const Parts<Options>& parts) : parts_(parts) {}

  const Options& options() const noexcept { return options_; }

  std::string_view description() const override { return parts_.description; }
  void add_options(cli::Options& all) override { parts_.add_options(all, options_); }
  std::string conflict(const Kit& kit) const override { return parts_.conflict(options_, kit); }
  double memory_bytes(const Kit& kit) const override { return parts_.memory_bytes(options_, kit); }
  std::string_view memory_options() const override { return parts_.memory_options; }
  Outcome run(const Kit& kit, record::Files& files, std::atomic<bool>& stop) override {
    return parts_.run(options_, kit, files, stop);
  }

 private:
  Parts<Options> parts_;
  Options options_;
};

/// A workload's name on the command line, and what makes one.
struct Entry {
  std::string_view name;
  std::unique_ptr<Workload> (*make)();
};

}  // namespace pipelab
