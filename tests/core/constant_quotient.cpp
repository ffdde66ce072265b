#include <doctest/doctest.h>

#include <cstdint>
#include <cstring>

#include <polis/core/constant_quotient.hpp>

namespace test_constant_quotient {

using namespace polis;

TEST_CASE("core/constant_quotient: equal to a division for every significand") {
  constexpr int width = batch_width<Batch<>>;
  for (const float divisor : {1.1f, 6.28318530717958648f}) {
    long different = 0;
    for (std::uint32_t bits = 0; bits < (1u << 23); bits += width) {
      float x[width], quotient[width];
      for (std::uint32_t i = 0; i < width; ++i) {
        const std::uint32_t word =
            0x3f800000u | (bits + i);  // 1 to 2, whose quotients have all exponents there are
        std::memcpy(&x[i], &word, sizeof word);
      }
      math::constant_quotient(Batch<>::load_unaligned(x), Batch<>(divisor)).store_unaligned(quotient);
      for (int i = 0; i < width; ++i) different += quotient[i] != x[i] / divisor;
    }
    CHECK(different == 0);
    for (const float x : {0.f, -1.f, -2.4e-9f, 3.7e12f}) {
      float quotient[width];
      math::constant_quotient(Batch<>(x), Batch<>(divisor)).store_unaligned(quotient);
      CHECK(quotient[0] == x / divisor);
    }
  }
}

}  // namespace test_constant_quotient
