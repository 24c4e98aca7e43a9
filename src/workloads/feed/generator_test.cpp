#include "workloads/feed/generator.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <cstddef>
#include <vector>

#include "workloads/feed/normal.hpp"

namespace pipelab::feed {
namespace {

TEST(Normal, HasTheMomentsAndTailsOfTheDistribution) {
  constexpr std::size_t kMany = 4'000'000;
  RandomBits bits(1);
  Normal normal;
  std::array<double, 4> powers{};
  std::array<std::size_t, 4> beyond{};  // one, two, three, four
  for (std::size_t each = 0; each < kMany; ++each) {
    const double value = normal(bits);
    double power = 1;
    for (double& sum : powers) {
      sum += power *= value;
    }
    for (std::size_t border = 0; border < beyond.size(); ++border) {
      beyond[border] += std::abs(value) > static_cast<double>(border + 1) ? 1 : 0;
    }
  }
  // Five standard errors of each: those of the powers' means are the roots of 1, 2, 15 and 96.
  const double error = 5 / std::sqrt(static_cast<double>(kMany));
  const auto mean = [&](std::size_t power) {
    return powers[power - 1] / static_cast<double>(kMany);
  };
  EXPECT_NEAR(mean(1), 0, error);
  EXPECT_NEAR(mean(2), 1, error * std::sqrt(2));
  EXPECT_NEAR(mean(3), 0, error * std::sqrt(15));
  EXPECT_NEAR(mean(4), 3, error * std::sqrt(96));
  for (std::size_t border = 0; border < beyond.size(); ++border) {
    const double share = std::erfc(static_cast<double>(border + 1) / std::sqrt(2));
    EXPECT_NEAR(static_cast<double>(beyond[border]) / static_cast<double>(kMany), share,
                error * std::sqrt(share));
  }
}

TEST(Exp, IsExactWhereStepsAre) {
  for (double x = -0.01; x <= 0.01; x += 1e-5) {
    EXPECT_NEAR(exp_near_zero(x) / std::exp(x), 1, 3e-16);
  }
  EXPECT_NEAR(exp_near_zero(0.05) / std::exp(0.05), 1, 2e-13);
}

TEST(Generator, FollowsTheClosedFormOfGeometricBrownianMotion) {
  constexpr std::size_t kSymbols = 10'000;
  constexpr std::size_t kTicks = 400;  // of each symbol, on average
  std::vector<double> prices(kSymbols, Generator::kFirstPrice);
  Generator generator(prices, 7);
  std::vector<double> ticks(kSymbols);
  std::size_t quotes = 0;
  for (std::size_t each = 0; each < kTicks * kSymbols; ++each) {
    const Message tick = generator.next();
    ticks[tick.symbol] += 1;
    quotes += tick.type == Message::Type::kQuote ? 1 : 0;
  }
  // Of n ticks the price's logarithm has the mean -n v / 2 and the variance n v, and the price
  // itself the mean of its begin.
  constexpr double kVariance = Generator::kStep * Generator::kStep;
  double sum = 0;
  double squares = 0;
  double relative = 0;
  for (std::size_t symbol = 0; symbol < kSymbols; ++symbol) {
    const double n = ticks[symbol];
    EXPECT_NEAR(n, kTicks, 6 * std::sqrt(kTicks));
    const double grown = std::log(prices[symbol] / Generator::kFirstPrice);
    const double normal = (grown + n * kVariance / 2) / std::sqrt(n * kVariance);
    sum += normal;
    squares += normal * normal;
    relative += prices[symbol] / Generator::kFirstPrice;
  }
  const double many = kSymbols;
  const double error = 5 / std::sqrt(many);
  EXPECT_NEAR(sum / many, 0, error);
  EXPECT_NEAR(squares / many, 1, error * std::sqrt(2));
  EXPECT_NEAR(relative / many, 1, error * std::sqrt(kTicks * kVariance));
  EXPECT_NEAR(static_cast<double>(quotes) / (kTicks * many), 0.7, 0.005);
}

TEST(Generator, DoesNotDriftByRounding) {
  std::vector<double> prices(1, Generator::kFirstPrice);
  Generator generator(prices, 3);
  constexpr std::size_t kTicks = 4'000'000;
  long double expected = 0;  // by what the C library makes of the same steps
  RandomBits bits(3);
  Normal normal;
  for (std::size_t each = 0; each < kTicks; ++each) {
    static_cast<void>(generator.next());
    static_cast<void>(bits());  // which said what tick it is
    expected += Generator::kStep * normal(bits) - Generator::kStep * Generator::kStep / 2;
  }
  EXPECT_NEAR(static_cast<double>(std::log(prices[0] / Generator::kFirstPrice) - expected), 0,
              1e-12);
}

TEST(Generator, IsTheSameForASeed) {
  std::vector<double> some(10, Generator::kFirstPrice);
  std::vector<double> same(some);
  std::vector<double> others(some);
  Generator first(some, 1);
  Generator again(same, 1);
  Generator other(others, 2);
  std::size_t differ = 0;
  for (std::size_t each = 0; each < 1'000; ++each) {
    const Message tick = first.next();
    EXPECT_EQ(tick, again.next());
    differ += tick == other.next() ? 0 : 1;
  }
  EXPECT_GT(differ, 900);
}

}  // namespace
}  // namespace pipelab::feed
