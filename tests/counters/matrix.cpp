// The product of two matrices of 64 x 64 doubles: 2 * 64^3 loads and 64^2 stores. The three
// matrices take 1536 lines, which fit the L2.

#include "known.hpp"

namespace {

constexpr std::size_t kSize = 64;
using Matrix = double[kSize][kSize];

alignas(kLineBytes) Matrix left;
alignas(kLineBytes) Matrix right;
alignas(kLineBytes) Matrix product;

void fill() {
  for (std::size_t i = 0; i < kSize; ++i) {
    for (std::size_t j = 0; j < kSize; ++j) {
      left[i][j] = static_cast<double>(i + j);
      right[i][j] = i == j ? 1.0 : 0.0;
      product[i][j] = 0.0;
    }
  }
}

}  // namespace

bool multiply() {
  fill();
  pipelab::platform::begin_region<kMatrixProduct>();
  for (std::size_t i = 0; i < kSize; ++i) {
    for (std::size_t j = 0; j < kSize; ++j) {
      double sum = 0;
      for (std::size_t k = 0; k < kSize; ++k) {
        sum += left[i][k] * right[k][j];
      }
      product[i][j] = sum;
    }
  }
  pipelab::platform::end_region<kMatrixProduct>();
  return product[3][4] == 7.0;
}
