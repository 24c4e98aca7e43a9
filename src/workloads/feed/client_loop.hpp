#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <deque>
#include <span>
#include <vector>

#include "load/phases.hpp"
#include "platform/clock.hpp"
#include "workload.hpp"
#include "workloads/feed/client.hpp"
#include "workloads/feed/delivery_times.hpp"
#include "workloads/feed/options.hpp"
#include "workloads/feed/plan.hpp"
#include "workloads/feed/wire.hpp"

namespace pipelab::feed {

/// An event loop of some clients: reads what comes to each, and keeps its cache.
template <class Wire, class Cache>
class ClientLoop {
 public:
  ClientLoop(Wire& wire, std::size_t loop, const Options& options, const Plan& plan,
             Recorder& recorder, const std::atomic<bool>& gone, const std::atomic<bool>& stop)
      : options_(options),
        plan_(plan),
        recorder_(recorder),
        gone_(gone),
        stop_(stop),
        wire_(wire, loop),
        buffer_(kBufferBytes) {
    for (std::size_t client = loop; client < options.clients; client += options.client_loops) {
      clients_.emplace_back(client, options);
    }
  }

  /// Connects all clients. Throws where the server does not take them.
  void connect_all() {
    for (Client& client : clients_) {
      if (!wire_.connect(client.number)) {
        throw PeerGone("the server takes no clients");
      }
      client.state = State::kStale;
    }
  }

  /// Until all clients have been told that nothing more comes.
  void run(const load::Phases& phases) {
    measured_from_ns_ = phases.measured.begin_ns;
    measured_to_ns_ = phases.measured.end_ns;
    if (options_.has(Fault::What::kStuck)) {
      const double at_ns = options_.fault->at_s * double{platform::kNanosecondsPerSecond};
      stuck_from_ns_ = measured_from_ns_ + static_cast<platform::Nanoseconds>(at_ns);
      stuck_to_ns_ = stuck_from_ns_ + (measured_to_ns_ - stuck_from_ns_) / 2;
    }
    // Relaxed: the flags carry nothing with them.
    while (ended_ < clients_.size() && !stop_.load(std::memory_order_relaxed)) {
      const bool is_gone = gone_.load(std::memory_order_relaxed);  // before it looks
      if (is_gone && !plan_.is_done) {
        throw PeerGone("the server is gone");
      }
      any_came_ = false;
      wire_.wait(limit_ns(), [this](std::size_t client) { take(of(client)); });
      look_after();
      // What was sent by a server that is done comes nevertheless. Then nobody sends any more: not
      // to a client either that connected when the server no longer looked.
      if (is_gone && !any_came_ && !is_paused_) {
        end_all();
      }
      check_silence();
    }
  }

  /// The first of its clients' cache, and what all of them counted once its thread has ended.
  const Cache& first_cache() const noexcept { return clients_.front().cache; }
  Received received() const {
    Received all;
    for (const Client& client : clients_) {
      all.add(client.received);
      all.add({.gaps = client.gaps.gaps(),
               .missing = client.gaps.missing(),
               .repeated = client.gaps.repeated(),
               .damage = client.decoder.damage()});
      all.not_ended += client.state == State::kEnded ? 0 : 1;
      const std::uint64_t known = client.received.messages + client.gaps.missing();
      const bool is_told = client.state == State::kEnded && client.received.not_ended == 0;
      all.unaccounted +=
          is_told && known < plan_.served.messages ? plan_.served.messages - known : 0;
    }
    all.system_calls = wire_.system_calls();
    return all;
  }

 private:
  using Client = feed::Client<Cache>;
  using State = typename Client::State;

  static constexpr std::size_t kBufferBytes = 65'536;
  static constexpr platform::Nanoseconds kLimitNs = 10'000'000;
  static constexpr platform::Nanoseconds kMostBackOffNs = platform::kNanosecondsPerSecond;

  /// Throws where a server that had begun has said nothing for long, which sends heartbeats. One
  /// that waits for a client that is stuck says nothing to the others.
  void check_silence() const {
    constexpr platform::Nanoseconds kMostSilenceNs = 30 * platform::kNanosecondsPerSecond;
    if (!any_came_ && received_ns_ > 0 && !plan_.is_done && !options_.has(Fault::What::kStuck) &&
        platform::now_ns() - received_ns_ > kMostSilenceNs) {
      throw PeerGone("the server has said nothing for 30 s");
    }
  }

  Client& of(std::size_t client) { return clients_[client / options_.client_loops]; }

  /// Of a wait: until the next client tries to connect, or a while.
  platform::Nanoseconds limit_ns() const noexcept {
    if (away_ == 0) {
      return kLimitNs;
    }
    platform::Nanoseconds until_ns = INT64_MAX;
    for (const Client& client : clients_) {
      until_ns = client.state == State::kAway ? std::min(until_ns, client.retry_ns) : until_ns;
    }
    return std::clamp<platform::Nanoseconds>(until_ns - platform::now_ns(), 0, kLimitNs);
  }

  /// Reads what came to a client.
  void take(Client& client) {
    std::ptrdiff_t many = 0;
    do {
      std::memcpy(buffer_.data(), client.rest.data(), client.rest_bytes);
      many = wire_.read(client.number, std::span(buffer_).subspan(client.rest_bytes));
      if (many <= 0) {
        break;
      }
      any_came_ = true;
      received_ns_ = platform::now_ns();
      const auto bytes = std::span<const std::byte>(buffer_).first(client.rest_bytes +
                                                                   static_cast<std::size_t>(many));
      const std::size_t done =
          client.decoder.decode(bytes, [&](const Message& message) { take(client, message); });
      client.rest_bytes = bytes.size() - done;
      std::memcpy(client.rest.data(), bytes.data() + done, client.rest_bytes);
    } while (!pauses(client) && wire_.reads_all());
    if (many == kGone || client.state == State::kEnded) {
      leave(client);
    }
  }

  void take(Client& client, const Message& message) {
    if (!message.is_tick()) {
      client.gaps.expect(message.sequence);
      if (client.state == State::kStale) {
        client.state = State::kLive;
        const bool was_away = client.lost_ns > 0;
        client.received.reconnects += was_away ? 1 : 0;
        client.received.away_ns += was_away ? received_ns_ - client.lost_ns : 0;
        client.back_off_ns = 0;
      }
      if (message.type == Message::Type::kEnd) {
        client.state = State::kEnded;
      }
      return;
    }
    if (client.state == State::kStale) {
      ++client.received.snapshot;
    } else if (client.gaps.take(message.sequence)) {
      ++client.received.messages;
    } else {
      return;
    }
    if (message.symbol >= options_.symbols) {
      ++client.received.unknown_symbols;
      return;
    }
    const bool is_kept = recorder_.keeps_next();
    const platform::Nanoseconds parsed_ns = is_kept ? platform::now_ns() : received_ns_;
    client.cache.update(message);
    if (client.state == State::kLive && message.intended_ns >= measured_from_ns_ &&
        !client.is_stuck) {
      record(client, message, is_kept, parsed_ns);
    }
  }

  void record(const Client& client, const Message& message, bool is_kept,
              platform::Nanoseconds parsed_ns) {
    DeliveryTimes times{.intended_ns = message.intended_ns,
                        .generated_ns = message.generated_ns,
                        .flushed_ns = message.generated_ns,
                        .sent_ns = message.generated_ns,
                        .received_ns = received_ns_,
                        .parsed_ns = parsed_ns,
                        .done_ns = platform::now_ns()};
    if (is_kept) {
      // Where the server no longer knows, as the client is far behind, all was on its way.
      const auto known = [&](const WriteLog& log, platform::Nanoseconds otherwise_ns) {
        return std::clamp(log.find(message.sequence).value_or(otherwise_ns), otherwise_ns,
                          received_ns_);
      };
      times.flushed_ns = known(plan_.flushes, times.generated_ns);
      times.sent_ns = known(*plan_.writes[client.number], times.flushed_ns);
    }
    recorder_.record(times);
  }

  /// Whether a client is to read nothing now.
  bool pauses(Client& client) {
    if (client.is_stuck && received_ns_ >= stuck_from_ns_ && received_ns_ < stuck_to_ns_) {
      wire_.pause(client.number);
      is_paused_ = true;
      return true;
    }
    return false;
  }

  /// Ends, or loses, a client's connection.
  void leave(Client& client) {
    wire_.close(client.number);
    client.rest_bytes = 0;
    client.decoder.restart();
    if (client.state == State::kEnded) {
      ++ended_;
      return;
    }
    ++away_;
    const platform::Nanoseconds now_ns = platform::now_ns();
    client.lost_ns = client.state == State::kLive ? now_ns : client.lost_ns;
    client.state = State::kAway;
    back_off(client, now_ns);
  }

  void back_off(Client& client, platform::Nanoseconds now_ns) {
    constexpr platform::Nanoseconds kMillisecond = 1'000'000;
    client.back_off_ns = client.back_off_ns == 0
                             ? options_.back_off_ms.value_or(kBackOffMs) * kMillisecond
                             : std::min(2 * client.back_off_ns, kMostBackOffNs);
    client.retry_ns = now_ns + client.back_off_ns;
    client.received.back_off_ns += client.back_off_ns;
  }

  /// Connects whose time it is, and lets the one that is stuck go on when that is over.
  void look_after() {
    if (away_ == 0 && !is_paused_) {
      return;
    }
    const platform::Nanoseconds now_ns = platform::now_ns();
    if (is_paused_ && now_ns >= stuck_to_ns_) {
      is_paused_ = false;
      wire_.resume(options_.clients - 1);
    }
    for (Client& client : clients_) {
      if (client.state == State::kAway && now_ns >= client.retry_ns) {
        reconnect(client);
      }
    }
  }

  void end_all() {
    for (Client& client : clients_) {
      if (client.state != State::kEnded) {
        wire_.close(client.number);
        give_up(client);
      }
    }
  }

  /// There is no server for it any more.
  void give_up(Client& client) {
    client.state = State::kEnded;
    ++client.received.not_ended;
    ++ended_;
  }

  void reconnect(Client& client) {
    const platform::Nanoseconds begin_ns = platform::now_ns();
    if (wire_.connect(client.number)) {
      client.state = State::kStale;
      --away_;
      client.received.connect_ns += platform::now_ns() - begin_ns;
    } else if (begin_ns >= measured_to_ns_) {
      give_up(client);
      --away_;
    } else {
      back_off(client, begin_ns);
    }
  }

  const Options& options_;
  const Plan& plan_;
  Recorder& recorder_;
  const std::atomic<bool>& gone_;
  const std::atomic<bool>& stop_;
  typename Wire::Clients wire_;
  std::vector<std::byte> buffer_;  // what one of them reads
  std::deque<Client> clients_;
  std::size_t ended_{0};
  std::size_t away_{0};
  bool is_paused_{false};  // the one that is stuck
  bool any_came_{false};   // at the last look
  platform::Nanoseconds received_ns_{0};
  platform::Nanoseconds measured_from_ns_{0};
  platform::Nanoseconds measured_to_ns_{0};
  platform::Nanoseconds stuck_from_ns_{0};
  platform::Nanoseconds stuck_to_ns_{0};
};

}  // namespace pipelab::feed
