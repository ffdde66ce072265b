// Losses of a temporal-difference error: their derivatives by finite differences, their values by hand.
#include <doctest/doctest.h>

#include <polis/objective/td_loss.hpp>

TEST_CASE_TEMPLATE("objective/td_loss: the derivative is that of the loss", Loss, polis::SquaredError,
                   polis::Huber) {
  const typename Loss::Config config{};
  for (const double error : {-3., -1.01, -.99, -.2, 0., .4, .99, 1.01, 5.}) {
    constexpr double h = 1e-6;
    const double difference =
        (Loss::error_loss(config, error + h).loss - Loss::error_loss(config, error - h).loss) / (2 * h);
    CHECK(Loss::error_loss(config, error).d_error == doctest::Approx(difference).epsilon(1e-6));
  }
}

TEST_CASE("objective/td_loss: Huber's is half the square within delta, a line beyond") {
  CHECK(polis::Huber::error_loss({.delta = 2}, 1.f).loss == .5f);
  CHECK(polis::Huber::error_loss({.delta = 2}, -5.f).loss == 2 * (5 - 1));
  CHECK(polis::SquaredError::error_loss({}, -3.f).loss == 9);
}
