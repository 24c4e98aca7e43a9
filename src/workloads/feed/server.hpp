#pragma once

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "load/pacing.hpp"
#include "load/phases.hpp"
#include "platform/clock.hpp"
#include "workload.hpp"
#include "workloads/feed/fan_out.hpp"
#include "workloads/feed/generator.hpp"
#include "workloads/feed/message.hpp"
#include "workloads/feed/options.hpp"
#include "workloads/feed/plan.hpp"

namespace pipelab::feed {

/// Makes a run's messages when they are due, and sends them in batches.
template <class Wire>
class Server {
 public:
  Server(Wire& wire, const Kit& kit, const Options& options, Plan& plan,
         const std::atomic<bool>& stop)
      : kit_(kit),
        options_(options),
        plan_(plan),
        served_(plan.served),
        stop_(stop),
        fan_out_(wire, options, plan, stop),
        generator_(plan.prices, kit.load.seed + plan.next),
        batch_(static_cast<std::size_t>(kMostBatch) * frame::kBytes),
        most_pending_(options.batch.kind == Batch::Kind::kCount ? options.batch.amount
                                                                : kMostBatch) {}

  /// Waits until all clients have joined, unless the run is stopped.
  void welcome_all() {
    wait_until([this] { return fan_out_.all_came(); });
  }

  /// The whole run, from then on; kills this process at `dies_ns`, where that is a time.
  void run(const load::Phases& phases, platform::Nanoseconds from_ns,
           std::optional<platform::Nanoseconds> dies_ns) {
    from_ns_ = from_ns;
    dies_ns_ = dies_ns;
    const std::uint64_t made_before = served_.measured;
    served_.missed =
        load::make_share(kit_.load, {}, phases, stop_, [&](auto& pacing, bool measures) {
          measures_ = measures;
          skipped_ = 0;
          make_phase(pacing);
          flush();
          wait_until([&] {
            return fan_out_.is_empty() || (!measures && platform::now_ns() >= phases.quiet_ns);
          });
        });
    // Those that were there before, and those that nobody made meanwhile, were skipped.
    served_.missed += skipped_ > made_before ? skipped_ - made_before : 0;
    fan_out_.end();
    wait_until([this] { return fan_out_.all_ended(); });
    served_.system_calls += fan_out_.system_calls();
    plan_.is_done = true;
  }

 private:
  static constexpr platform::Nanoseconds kHeartbeatNs = 100'000'000;
  static constexpr platform::Nanoseconds kLookNs = 1'000'000;  // between looks, while it is busy

  template <class Pacing>
  void make_phase(Pacing& pacing) {
    for (;;) {
      wait_for(pacing.next_ns());
      const std::optional<load::Turn> turn = pacing.next(stop_);
      if (!turn) {
        return;
      }
      if (dies_ns_ && turn->created_ns >= *dies_ns_) {
        plan_.is_killed = true;
        kill(getpid(), SIGKILL);
      }
      if (turn->intended_ns < from_ns_) {
        ++skipped_;
        continue;
      }
      make(*turn);
      if (is_full(turn->created_ns, pacing.next_ns())) {
        flush();
      }
    }
  }

  /// Whether what was made is to be sent now.
  bool is_full(platform::Nanoseconds now_ns, platform::Nanoseconds next_ns) const noexcept {
    if (pending_ >= most_pending_) {
      return true;
    }
    switch (options_.batch.kind) {
      case Batch::Kind::kNow:
        return true;
      case Batch::Kind::kDue:
        return next_ns > now_ns;
      case Batch::Kind::kCount:
        return false;
      case Batch::Kind::kTime:
        return now_ns >= flush_by_ns_;
    }
    return true;
  }

  void make(const load::Turn& turn) {
    Message message = generator_.next();
    message.sequence = plan_.next++;
    message.intended_ns = turn.intended_ns;
    message.generated_ns = turn.created_ns;
    ++served_.messages;
    served_.measured += measures_ ? 1 : 0;
    const bool is_wrong = options_.fault && options_.fault->what < Fault::What::kStuck &&
                          served_.messages % options_.fault->every == 0;
    if (is_wrong && options_.fault->what == Fault::What::kGap) {
      return;
    }
    if (pending_ == 0) {
      flush_by_ns_ = turn.created_ns + options_.batch.amount * platform::kNanosecondsPerMicrosecond;
    }
    std::byte* const to = &batch_[static_cast<std::size_t>(pending_++) * frame::kBytes];
    frame::encode(options_.checksum, to, message);
    if (is_wrong) {
      spoil(to);
    }
  }

  void spoil(std::byte* to) const noexcept {
    using What = Fault::What;
    const What what = options_.fault->what;
    to[what == What::kLength ? 0
       : what == What::kType ? frame::kTypeAt
                             : frame::kChecksumAt] ^= std::byte{0x80};
  }

  /// Does what there is to do until the next message is due; sleeps, where the pacing does.
  void wait_for(platform::Nanoseconds next_ns) {
    const bool sleeps = kit_.load.pacing == load::Pacing::kDeadline;
    for (platform::Nanoseconds now_ns = 0; !stop_.load(std::memory_order_relaxed);) {
      // Where the next is long due there is no time to look at the clock.
      if (next_ns <= last_look_ns_ && ++busy_ % kBusy != 0) {
        return;
      }
      now_ns = platform::now_ns();
      const bool waits = sleeps && next_ns > now_ns;
      if (pending_ > 0 && options_.batch.kind == Batch::Kind::kTime && now_ns >= flush_by_ns_) {
        flush();
      }
      if (pending_ == 0 && now_ns - flushed_ns_ >= kHeartbeatNs && flushed_ns_ > 0) {
        flushed_ns_ = now_ns;
        fan_out_.beat();
      }
      if (waits || now_ns - last_look_ns_ >= kLookNs) {
        last_look_ns_ = now_ns;
        fan_out_.poll(waits ? std::min(next_event_ns(next_ns) - now_ns, FanOut<Wire>::kLimitNs)
                            : 0);
      }
      if (!waits) {
        return;
      }
    }
  }

  /// When something is to be done, at the latest.
  platform::Nanoseconds next_event_ns(platform::Nanoseconds next_ns) const noexcept {
    const bool is_timed = pending_ > 0 && options_.batch.kind == Batch::Kind::kTime;
    return is_timed ? std::min(next_ns, flush_by_ns_) : next_ns;
  }

  /// Sends what was made.
  void flush() {
    const auto frames = std::span<const std::byte>(batch_).first(
        static_cast<std::size_t>(std::exchange(pending_, 0)) * frame::kBytes);
    if (frames.empty()) {
      return;
    }
    flushed_ns_ = platform::now_ns();
    fan_out_.send(frames, flushed_ns_);
  }

  template <class Ready>
  void wait_until(Ready ready) {
    while (!ready() && !stop_) {
      fan_out_.poll(FanOut<Wire>::kLimitNs);
    }
  }

  static constexpr unsigned kBusy = 64;

  const Kit& kit_;
  const Options& options_;
  Plan& plan_;
  Served& served_;
  const std::atomic<bool>& stop_;
  FanOut<Wire> fan_out_;
  Generator generator_;
  std::vector<std::byte> batch_;
  std::int64_t most_pending_;
  std::int64_t pending_{0};  // messages that are made, and not sent
  platform::Nanoseconds flush_by_ns_{0};
  platform::Nanoseconds flushed_ns_{0};
  platform::Nanoseconds last_look_ns_{0};  // at the wire
  unsigned busy_{0};
  bool measures_{false};
  std::uint64_t skipped_{0};  // turns of before this server's time
  platform::Nanoseconds from_ns_{0};
  std::optional<platform::Nanoseconds> dies_ns_;
};

}  // namespace pipelab::feed
