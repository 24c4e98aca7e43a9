#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <utility>
#include <vector>

#include "platform/clock.hpp"
#include "workloads/feed/backlog.hpp"
#include "workloads/feed/message.hpp"
#include "workloads/feed/options.hpp"
#include "workloads/feed/plan.hpp"
#include "workloads/feed/wire.hpp"

namespace pipelab::feed {

/// Sends what a server has made to each client that is there, and what a client could not take, or
/// has missed, when it can.
template <class Wire>
class FanOut {
 public:
  static constexpr platform::Nanoseconds kLimitNs = 10'000'000;  ///< of a wait

  FanOut(Wire& wire, const Options& options, Plan& plan, const std::atomic<bool>& stop)
      : options_(options),
        plan_(plan),
        served_(plan.served),
        stop_(stop),
        wire_(wire),
        unsent_(plan.next) {
    seats_.reserve(options.clients);
    for (std::size_t client = 0; client < options.clients; ++client) {
      seats_.emplace_back(options.out_limit);
      if (options.slow_policy == SlowPolicy::kConflate) {
        seats_.back().stale.reserve(2 * options.symbols);
      }
    }
  }

  /// Waits until something happens at the wire, or the time is up, and does what that asks for.
  void poll(platform::Nanoseconds limit_ns) {
    wire_.poll(limit_ns, *this);
    welcome_newcomers();
    wire_.flush();
  }

  /// Sends frames to all, from `now_ns` on.
  void send(std::span<const std::byte> frames, platform::Nanoseconds now_ns) {
    plan_.flushes.begin(frame::last_sequence(frames), now_ns);
    if (options_.keeps_latest()) {
      each_tick(frames, [this](std::uint32_t key, const std::byte* at) {
        std::memcpy(plan_.latest_of(key), at, frame::kBytes);
      });
    }
    for (std::size_t client = 0; client < seats_.size(); ++client) {
      deliver(client, frames);
    }
    unsent_ = plan_.next;
    wire_.flush();
  }

  /// Says what number comes next to those that wait for nothing else.
  void beat() {
    for (std::size_t client = 0; client < seats_.size(); ++client) {
      Seat& seat = seats_[client];
      if (seat.is_connected && seat.stale.empty() && seat.backlog.empty()) {
        seat.next = plan_.next;
        append(seat, Message::Type::kHeartbeat);
        catch_up(client);
      }
    }
    wire_.flush();
  }

  /// Tells all, once they have what waits for them, that nothing more comes.
  void end() {
    for (std::size_t client = 0; client < seats_.size(); ++client) {
      seats_[client].is_ending = true;
      seats_[client].next = plan_.next;
      catch_up(client);
    }
    wire_.flush();
  }

  /// Whether all clients have been there at least once.
  bool all_came() const noexcept {
    return std::ranges::all_of(seats_, [](const Seat& seat) { return seat.has_come; });
  }

  /// Whether nothing waits for a client.
  bool is_empty() const noexcept {
    return std::ranges::all_of(seats_, [](const Seat& seat) {
      return !seat.is_connected || (seat.backlog.empty() && seat.stale.empty());
    });
  }

  /// Whether all clients that are there know that nothing more comes.
  bool all_ended() const noexcept {
    return std::ranges::all_of(seats_, [](const Seat& seat) {
      return !seat.is_connected || (seat.is_ended && seat.backlog.empty());
    });
  }

  std::uint64_t system_calls() const noexcept { return wire_.system_calls(); }

  // What the wire says.
  void joined(std::size_t client) { newcomers_.push_back(client); }
  void left(std::size_t client) { lose(client); }
  void writable(std::size_t client) { catch_up(client); }

 private:
  /// What the server knows of a client.
  struct Seat {
    explicit Seat(std::size_t limit) : backlog(limit) {}

    Backlog backlog;
    Stale stale;  // of Plan::latest, what the client is to get when it has room
    bool has_come{false};
    bool is_connected{false};
    bool gets_snapshot{false};  // what is stale is that; then the number that comes next
    bool is_ending{false};      // the last message is to be sent, or was
    bool is_ended{false};
    Sequence next{0};  // what comes next for it
  };
  /// Calls `use(key, frame)` for whole frames that are of a symbol.
  template <class Use>
  void each_tick(std::span<const std::byte> frames, Use use) {
    for (std::size_t at = frames.size() % frame::kBytes; at < frames.size(); at += frame::kBytes) {
      const Message message = frame::decode(&frames[at]);
      if (message.is_tick()) {
        use(Plan::key(message.symbol, message.type), &frames[at]);
      }
    }
  }

  void deliver(std::size_t client, std::span<const std::byte> frames) {
    Seat& seat = seats_[client];
    if (!seat.is_connected) {
      return;
    }
    seat.next = plan_.next;
    if (!seat.stale.empty()) {
      conflate(seat, frames);
      return;
    }
    while (!frames.empty() && seat.is_connected && !stop_.load(std::memory_order_relaxed)) {
      // Only a write that had no room for all is followed by a word that there is some.
      if (seat.backlog.empty()) {
        frames = frames.subspan(write(client, frames));
      }
      frames = frames.subspan(seat.backlog.append(frames));
      if (!frames.empty() && !makes_room(client, frames)) {
        return;
      }
    }
  }

  /// What the policy is where frames have no room. Whether there may be some now.
  bool makes_room(std::size_t client, std::span<const std::byte> frames) {
    switch (options_.slow_policy) {
      case SlowPolicy::kWait:
        wire_.flush();
        wire_.poll(kLimitNs, *this);
        return true;
      case SlowPolicy::kDrop:
        served_.dropped += frames.size() / frame::kBytes;
        return false;
      case SlowPolicy::kConflate:
        conflate(seats_[client], frames);
        return false;
      case SlowPolicy::kDisconnect:
        ++served_.disconnects;
        wire_.close(client);
        lose(client);
        return false;
    }
    return false;
  }

  void conflate(Seat& seat, std::span<const std::byte> frames) {
    each_tick(frames, [&](std::uint32_t key, const std::byte* /*at*/) {
      served_.conflated += seat.stale.add(key) && !seat.gets_snapshot ? 1 : 0;
    });
  }

  /// Writes to a client that takes again, first what waits.
  void catch_up(std::size_t client) {
    Seat& seat = seats_[client];
    while (seat.is_connected) {
      refill(seat);
      if (seat.backlog.empty()) {
        return;
      }
      const std::size_t done = write(client, seat.backlog.bytes());
      if (!seat.is_connected || done == 0) {
        return;
      }
      const bool is_all = done == seat.backlog.bytes().size();
      seat.backlog.drop(done);
      if (!is_all) {
        return;
      }
    }
  }

  /// Puts what is stale, and what comes after that, into the backlog, as far as it has room.
  void refill(Seat& seat) {
    while (!seat.stale.empty() && seat.backlog.bytes().size() < options_.out_limit) {
      seat.backlog.append({plan_.latest_of(seat.stale.take()), frame::kBytes});
    }
    if (!seat.stale.empty() || seat.backlog.bytes().size() > options_.out_limit) {
      return;
    }
    if (std::exchange(seat.gets_snapshot, false)) {
      append(seat, Message::Type::kHeartbeat);
    }
    if (seat.is_ending && !seat.is_ended && seat.backlog.bytes().size() <= options_.out_limit) {
      append(seat, Message::Type::kEnd);
      seat.is_ended = true;
    }
  }

  /// Appends a message that takes no number.
  void append(Seat& seat, Message::Type type) {
    std::array<std::byte, frame::kBytes> bytes{};
    const platform::Nanoseconds now_ns = platform::now_ns();
    frame::encode(
        options_.checksum, bytes.data(),
        {.type = type, .sequence = seat.next, .intended_ns = now_ns, .generated_ns = now_ns});
    seat.backlog.append(bytes);
  }

  /// Writes some of `bytes`, and notes when. Returns how many.
  std::size_t write(std::size_t client, std::span<const std::byte> bytes) {
    WriteLog& log = *plan_.writes[client];
    const std::size_t rest = bytes.size() % frame::kBytes;  // whose frame was noted before
    if (bytes.size() > rest) {
      log.begin(covered(bytes.subspan(bytes.size() - frame::kBytes)), platform::now_ns());
    }
    const std::ptrdiff_t result = wire_.write(client, bytes);
    if (result == kGone) {
      wire_.close(client);
      lose(client);
      return 0;
    }
    const auto done = static_cast<std::size_t>(result);
    served_.bytes += done;
    if (done < bytes.size() && bytes.size() > rest) {
      // Up to the last that was begun; or to the one before the first.
      const std::size_t begun =
          done <= rest ? 0 : (done - rest + frame::kBytes - 1) / frame::kBytes;
      const std::size_t last = rest + (begun > 0 ? begun - 1 : 0) * frame::kBytes;
      log.shorten(covered(bytes.subspan(last, frame::kBytes)) - (begun > 0 ? 0 : 1));
    }
    return done;
  }

  /// The last number up to which a frame has told all.
  static Sequence covered(std::span<const std::byte> one) noexcept {
    const Message message = frame::decode(one.data());
    return message.sequence - (message.is_tick() ? 0 : 1);
  }

  void lose(std::size_t client) {
    Seat& seat = seats_[client];
    seat.is_connected = false;
    seat.is_ended = false;
    seat.backlog.clear();
    if (!seat.stale.empty()) {
      seat.stale.clear();
    }
  }

  /// Gives those that have joined what is known: a snapshot, and the number that comes next.
  void welcome_newcomers() {
    for (const std::size_t client : std::exchange(newcomers_, {})) {
      Seat& seat = seats_[client];
      lose(client);  // where the server did not see that the client had left
      seat.has_come = seat.is_connected = true;
      seat.gets_snapshot = true;
      seat.next = unsent_;
      for (std::uint32_t key = 0; key < 2 * options_.symbols; ++key) {
        if (frame::get<std::uint16_t>(plan_.latest_of(key)) != 0) {
          seat.stale.reserve(2 * options_.symbols);
          seat.stale.add(key);
        }
      }
      catch_up(client);
    }
  }

  const Options& options_;
  Plan& plan_;
  Served& served_;
  const std::atomic<bool>& stop_;
  typename Wire::Server wire_;
  std::vector<Seat> seats_;
  std::vector<std::size_t> newcomers_;
  Sequence unsent_;  // the first that was not sent, if there is one
};

}  // namespace pipelab::feed
