#pragma once

#include <array>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>

namespace pipelab::feed {

/// Random bits: xoshiro256++ (D. Blackman and S. Vigna, "Scrambled linear pseudorandom number
/// generators", 2021), seeded by splitmix64. The same on every machine.
class RandomBits {
 public:
  explicit RandomBits(std::uint64_t seed) noexcept {
    for (std::uint64_t& word : state_) {
      seed += 0x9e3779b97f4a7c15U;
      std::uint64_t mixed = seed;
      mixed = (mixed ^ (mixed >> 30U)) * 0xbf58476d1ce4e5b9U;
      mixed = (mixed ^ (mixed >> 27U)) * 0x94d049bb133111ebU;
      word = mixed ^ (mixed >> 31U);
    }
  }

  std::uint64_t operator()() noexcept {
    const std::uint64_t result = std::rotl(state_[0] + state_[3], 23) + state_[0];
    const std::uint64_t shifted = state_[1] << 17U;
    state_[2] ^= state_[0];
    state_[3] ^= state_[1];
    state_[1] ^= state_[2];
    state_[0] ^= state_[3];
    state_[2] ^= shifted;
    state_[3] = std::rotl(state_[3], 45);
    return result;
  }

 private:
  std::array<std::uint64_t, 4> state_{};
};

/// Numbers of the normal distribution with mean 0 and variance 1, by the ziggurat of 256 layers
/// (G. Marsaglia and W. W. Tsang, "The ziggurat method for generating random variables", 2000),
/// with the layer and the place in it of different bits (J. A. Doornik, "An improved ziggurat
/// method", 2005).
class Normal {
 public:
  template <class Bits>
  [[gnu::always_inline]] double operator()(Bits& bits) noexcept {
    for (;;) {
      const std::uint64_t random = bits();
      const std::size_t layer = random & (kLayers - 1);
      const double place = unit(random);
      const double value = place * table.width[layer];
      if (std::abs(place) < table.inside[layer]) [[likely]] {
        return value;
      }
      if (layer == 0) {
        return tail(bits, place < 0);
      }
      // Between the rectangle that is all below the curve and that of the layer.
      const double above =
          table.height[layer] + share(bits()) * (table.height[layer - 1] - table.height[layer]);
      if (above < std::exp(-value * value / 2)) {
        return value;
      }
    }
  }

 private:
  static constexpr std::size_t kLayers = 256;
  static constexpr double kTail = 3.6541528853610088;  // where that begins
  static constexpr double kArea = 0.00492867323399;    // of each layer, that of the tail too

  struct Table {
    Table() noexcept;
    std::array<double, kLayers> width{};   // of a layer
    std::array<double, kLayers> inside{};  // which share of that is all below the curve
    std::array<double, kLayers> height{};  // of the curve at the layer's right end
  };
  static const Table table;

  /// Of the upper bits, from -1 to 1.
  static double unit(std::uint64_t random) noexcept {
    return static_cast<double>(static_cast<std::int64_t>(random) >> 10U) * 0x1p-53;
  }
  /// From above 0 to 1.
  static double share(std::uint64_t random) noexcept {
    return static_cast<double>((random >> 11U) + 1) * 0x1p-53;
  }

  template <class Bits>
  static double tail(Bits& bits, bool is_negative) noexcept {
    double beyond = 0;
    double other = 0;
    do {
      beyond = -std::log(share(bits())) / kTail;
      other = -std::log(share(bits()));
    } while (2 * other < beyond * beyond);
    return is_negative ? -(kTail + beyond) : kTail + beyond;
  }
};

/// e to the power of `x`, by the series' first seven terms: for |x| up to 0.05 as exact as a double
/// is, but for 1e-13.
constexpr double exp_near_zero(double x) noexcept {
  constexpr double k3 = 1.0 / 6;
  constexpr double k4 = 1.0 / 24;
  constexpr double k5 = 1.0 / 120;
  constexpr double k6 = 1.0 / 720;
  return 1 + x * (1 + x * (0.5 + x * (k3 + x * (k4 + x * (k5 + x * k6)))));
}

}  // namespace pipelab::feed
