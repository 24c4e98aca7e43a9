#pragma once

#include <malloc.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "load/phases.hpp"
#include "platform/clock.hpp"
#include "platform/cpu.hpp"
#include "workload.hpp"
#include "workloads/rpc/body.hpp"
#include "workloads/rpc/called.hpp"
#include "workloads/rpc/correlation.hpp"
#include "workloads/rpc/meeting.hpp"
#include "workloads/rpc/options.hpp"
#include "workloads/rpc/receiver.hpp"
#include "workloads/rpc/sender.hpp"
#include "workloads/rpc/stamps.hpp"

namespace pipelab::rpc {

/// A correlation that has had as many requests as it can have, so that its memory is there, and
/// what that is.
template <class Correlation>
class Filled {
 public:
  explicit Filled(std::size_t window) : Filled(std::vector<std::int64_t>(window)) {}

  Correlation& get() noexcept { return correlation_; }
  std::size_t bytes() const noexcept { return bytes_; }

 private:
  explicit Filled(std::vector<std::int64_t> ids)
      : bytes_before_(heap_bytes()), correlation_(ids.size()) {
    for (std::int64_t& id : ids) {
      id = correlation_.add({});
    }
    bytes_ = heap_bytes() - bytes_before_;
    Pending pending;
    for (const std::int64_t id : ids) {
      static_cast<void>(correlation_.take(id, pending));
    }
  }

  static std::size_t heap_bytes() noexcept {
    const struct mallinfo2 heap = mallinfo2();
    return heap.uordblks + heap.hblkhd;
  }

  std::size_t bytes_before_;
  Correlation correlation_;
  std::size_t bytes_{0};
};

/// The side that sends requests and takes the replies to them: both in one thread, which sends as
/// soon as there is room in the window; or, on a schedule, in two, so that neither a reply nor a
/// request waits for the other.
template <class Link, class Parser, class Correlation>
class Client {
 public:
  Client(Link& link, const Kit& kit, const Options& options, Recorder& recorder, Stamps& stamps,
         const std::atomic<bool>& gone, const std::atomic<bool>& stop)
      : opened_ns_(platform::now_ns()),
        is_open_(link.open(Side::kClient)),
        connect_ns_(platform::now_ns() - opened_ns_),
        body_(make_body(options, kit.load.seed)),
        correlation_(options.window),
        meeting_(options, kit.load.has_schedule()),
        receiver_(link, meeting_, correlation_.get(), body_.sum, kit.record.samples(), recorder,
                  stamps, gone),
        sender_(link, meeting_, correlation_.get(), receiver_, kit.load, body_, gone, stop) {}

  /// Whether another thread takes the replies.
  bool has_receiver() const noexcept { return meeting_.has_receiver; }

  /// The first call on each connection. Call it in the sender's thread, before the run starts.
  void shake_hands() { sender_.shake_hands_alone(); }

  /// The sender's part of the run.
  void send_all(const load::Phases& phases) { sender_.send_all(phases); }

  /// The receiver's part of it, where it has a thread of its own.
  void receive_all() { receiver_.receive_all(); }

  /// Lets the receiver end, where the sender has failed, and the other way around.
  void give_up() noexcept {
    meeting_.is_given_up = true;
    meeting_.room.wake();
  }

  /// Call it when both threads have ended.
  Called called() const {
    Called called = receiver_.called();
    called.settled = meeting_.settled;
    called.tally.add(receiver_.tally());
    sender_.add_to(called);
    called.connect_ns = connect_ns_;
    called.correlation_bytes = correlation_.bytes();
    return called;
  }

 private:
  platform::Nanoseconds opened_ns_;
  bool is_open_;
  platform::Nanoseconds connect_ns_;
  Body body_;
  Filled<Correlation> correlation_;
  Meeting meeting_;
  Receiver<Link, Parser, Correlation> receiver_;
  Sender<Link, Parser, Correlation> sender_;
};

}  // namespace pipelab::rpc
