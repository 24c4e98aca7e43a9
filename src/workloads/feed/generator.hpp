#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "workloads/feed/message.hpp"
#include "workloads/feed/normal.hpp"

namespace pipelab::feed {

/// Ticks of a market: each is of a symbol drawn at random, whose price has moved by a step of
/// geometric Brownian motion, S exp(m - v/2 + sqrt(v) Z), where a step's variance v is that of
/// 0.01 % and m is 0: the price that is expected is always the first. Seven of ten ticks are
/// quotes, with a spread of 0.01 % around the price, and the others trades.
class Generator {
 public:
  static constexpr double kFirstPrice = 100;
  static constexpr double kStep = 1e-4;
  static constexpr double kPriceUnits = 10'000;  ///< of a message, for 1

  /// `prices` has one a symbol, and keeps what becomes of it.
  Generator(std::span<double> prices, std::uint64_t seed) noexcept : prices_(prices), bits_(seed) {}

  /// The next tick: all but its number and its times.
  Message next() noexcept {
    const std::uint64_t random = bits_();
    // The upper half times the number of symbols: the upper half of that is one of them.
    const auto symbol = static_cast<std::uint32_t>(((random >> 32U) * prices_.size()) >> 32U);
    double& price = prices_[symbol];
    price *= exp_near_zero(kStep * normal_(bits_) - kStep * kStep / 2);
    // Multiplied in, since nobody can predict which it is.
    const auto is_quote = static_cast<std::uint32_t>((random & 0xffffU) < kQuotes);
    const double half_spread = price * (kStep / 2) * is_quote;
    return {.type = static_cast<Message::Type>(1 + is_quote),
            .symbol = symbol,
            .bid = in_units(price - half_spread),
            .ask = in_units(price + half_spread) * is_quote,
            .quantity = 100 * (1 + static_cast<std::uint32_t>((random >> 16U) & 0xfU))};
  }

 private:
  static constexpr std::uint64_t kQuotes = 0x10000 * 7 / 10;

  /// What is beyond a message's numbers is the last of them.
  static std::uint32_t in_units(double price) noexcept {
    constexpr double kMost = 4e9;
    const double units = price * kPriceUnits + 0.5;
    return static_cast<std::uint32_t>(static_cast<std::int64_t>(units < kMost ? units : kMost));
  }

  std::span<double> prices_;
  RandomBits bits_;
  Normal normal_;
};

}  // namespace pipelab::feed
