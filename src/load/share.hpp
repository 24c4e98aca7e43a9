#pragma once

#include <atomic>
#include <cmath>
#include <cstddef>
#include <cstdint>

#include "load/options.hpp"
#include "load/pacing.hpp"
#include "load/phases.hpp"
#include "platform/clock.hpp"

namespace pipelab::load {

/// The part of a schedule that one of `many` makers of items has: every `many`th item, from the
/// `which`th on; of random arrivals, gaps of its own that are as many times as long.
class Share {
 public:
  Share(const Options& all, std::size_t which, std::size_t many)
      : options_(all),
        offset_ns_(std::llround(all.interval_us * static_cast<double>(which) *
                                double{platform::kNanosecondsPerMicrosecond})) {
    options_.interval_us *= static_cast<double>(many);
    options_.seed += which;
  }

  /// Has the items of the warm-up and of what is measured made by `make(pacing, measures)`, which
  /// ends when the pacing has no next turn. Returns how many measured ones were intended but never
  /// made; it takes its time.
  template <class Make>
  std::uint64_t run(const Phases& phases, const std::atomic<bool>& stop, Make make) const {
    return options_.has_schedule() ? run(Paced(options_), phases, stop, make)
                                   : run(Unpaced(options_), phases, stop, make);
  }

 private:
  template <class Pacing, class Make>
  std::uint64_t run(Pacing pacing, const Phases& phases, const std::atomic<bool>& stop,
                    Make& make) const {
    start(pacing, phases.warm_up, stop);
    make(pacing, false);
    start(pacing, phases.measured, stop);
    make(pacing, true);
    return stop ? 0 : pacing.missed();
  }

  template <class Pacing>
  void start(Pacing& pacing, Phase phase, const std::atomic<bool>& stop) const {
    phase.begin_ns += offset_ns_;
    pacing.start(phase, stop);
  }

  Options options_;
  platform::Nanoseconds offset_ns_;
};

}  // namespace pipelab::load
