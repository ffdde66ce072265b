// CommNet against a second implementation in double precision, and its gradients, through messages of numbers
// and of bits, against finite differences.
#include <doctest/doctest.h>

#include <cmath>
#include <cstddef>
#include <vector>

#include <polis/nn/comm_net.hpp>

#include "doubles.hpp"

namespace test_comm_net {

using namespace polis;
using namespace polis_test;

/// The equations, in double. Where there are bits, the first call decides them, and others add to each
/// sigmoid(u) what it then lacked to be the bit: a function with the straight-through derivative.
struct Reference {
  int agents, width, rounds, bits, out;
  bool shared;
  std::vector<Doubles> rest{};  // of each message of the first call

  template <class Act>
  Doubles operator()(const Doubles& w, const Doubles& x, int rows) {
    const auto size = [](int n) { return static_cast<std::size_t>(n); };
    const double* at = w.data();
    const std::size_t seen = x.size() / size(agents);
    std::vector<Doubles> h;
    const double* after = at;
    for (int j = 0; j < agents; ++j) {
      const double* weights = at;
      const auto begin = x.begin() + static_cast<std::ptrdiff_t>(size(j) * seen);
      h.push_back(dense(weights, Doubles(begin, begin + static_cast<std::ptrdiff_t>(seen)), width, rows));
      for (double& value : h.back()) value = Act{}(value);
      after = weights;
    }
    at = after;
    std::size_t told = 0;
    for (int k = 0; k < rounds; ++k) {
      const double* const round = at;
      const int heard = bits > 0 ? bits : width;
      const double* message = round + width * (width + heard) + width;
      std::vector<Doubles> m = h;
      after = message;
      if (bits > 0) {
        for (int j = 0; j < agents; ++j) {
          const double* weights = message;
          m[size(j)] = dense(weights, h[size(j)], bits, rows);
          after = weights;
          if (told == rest.size()) {
            rest.emplace_back();
            for (const double u : m[size(j)]) rest.back().push_back((u > 0) - 1 / (1 + std::exp(-u)));
          }
          for (std::size_t i = 0; i < m[size(j)].size(); ++i) {
            m[size(j)][i] = 1 / (1 + std::exp(-m[size(j)][i])) + rest[told][i];
          }
          ++told;
        }
      }
      std::vector<Doubles> next;
      for (int j = 0; j < agents; ++j) {
        Doubles both = h[size(j)];
        for (std::size_t i = 0; i < m[0].size(); ++i) {
          double total = 0;
          for (int other = 0; other < agents; ++other) total += other == j ? 0 : m[size(other)][i];
          both.push_back(total / (agents - 1));
        }
        const double* weights = round;
        next.push_back(dense(weights, both, width, rows));
        for (double& value : next.back()) value = Act{}(value);
      }
      h = next;
      at = after;
    }
    Doubles y;
    if (shared) {
      for (int j = 0; j < agents; ++j) {
        const double* weights = at;
        for (const double value : dense(weights, h[size(j)], out / agents, rows)) y.push_back(value);
      }
    } else {
      Doubles mean(h[0].size());
      for (const Doubles& each : h) {
        for (std::size_t i = 0; i < mean.size(); ++i) mean[i] += each[i] / agents;
      }
      y = dense(at, mean, out, rows);
    }
    return y;
  }
};

template <int In, int Out, class Act, int Agents, int Width, int Rounds, int Bits>
void check(int rows) {
  using Net = typename CommNet<Agents, Width, Rounds, Bits>::template network<In, Out, Act>;
  static_assert(Network<Net>);
  CHECK(total_size(Net::layout()) == static_cast<std::size_t>(Net::parameters));
  Doubles w = draws(Net::parameters, 5, .6), x = draws(In * rows, 6);
  const Doubles dy = draws(Out * rows, 7);
  Reference reference{Agents, Width, Rounds, Bits, Out, Out % Agents == 0};
  const auto outputs = [&] { return reference.template operator()<Act>(w, x, rows); };
  const auto loss = [&] { return dot(outputs(), dy); };
  const Doubles expected = outputs();

  const auto weights = floats(w), inputs = tile(x, rows, .5f), d_outputs = tile(dy, rows);
  AlignedVector<float> y(Out * tile_rows), dx(In * tile_rows), dw(Net::parameters);
  AlignedVector<float> cache(Net::cache_size), scratch(Net::scratch_size);
  Net::template forward<Simd>(weights.data(), inputs.data(), nullptr, y.data(), cache.data(), rows);
  Net::template backward<Simd>(weights.data(), dw.data(), inputs.data(), d_outputs.data(), dx.data(), nullptr,
                               cache.data(), scratch.data(), rows);
  CHECK(largest_difference(rows_of(y, rows), expected) < 3e-6);
  CHECK(worst_difference(w, doubles(dw), loss) < 3e-5);
  CHECK(worst_difference(x, rows_of(dx, rows), loss) < 2e-5);

  // Without input gradients, and accumulating: the same again on top.
  Net::template backward<Simd>(weights.data(), dw.data(), inputs.data(), d_outputs.data(), nullptr, nullptr,
                               cache.data(), scratch.data(), rows);
  Doubles half = doubles(dw);
  for (double& value : half) value /= 2;
  CHECK(worst_difference(w, half, loss) < 3e-5);
}

}  // namespace test_comm_net

TEST_CASE("nn/comm_net: messages of hidden states") {
  test_comm_net::check<6, 4, polis::Tanh, 2, 5, 1, 0>(7);
  test_comm_net::check<9, 3, polis::Silu, 3, 18, 2, 0>(5);
  test_comm_net::check<8, 5, polis::Relu, 4, 6, 1, 0>(64);  // five outputs of four agents: of their mean
  test_comm_net::check<6, 1, polis::Silu, 3, 4, 2, 0>(3);
}

TEST_CASE("nn/comm_net: messages of bits, straight through") {
  test_comm_net::check<6, 4, polis::Tanh, 2, 5, 1, 2>(7);
  test_comm_net::check<9, 3, polis::Relu, 3, 8, 2, 3>(20);
  test_comm_net::check<8, 1, polis::Silu, 4, 6, 2, 1>(5);
}

TEST_CASE("nn/comm_net: without rounds, agents are on their own") {
  using namespace test_comm_net;
  check<6, 4, polis::Tanh, 2, 5, 0, 0>(4);
  using Net = CommNet<2, 5, 0>::network<6, 4, Tanh>;
  const auto w = floats(draws(Net::parameters, 1));
  Doubles x = draws(6, 2);
  AlignedVector<float> y(4 * tile_rows), other(4 * tile_rows), cache(Net::cache_size);
  Net::forward<Simd>(w.data(), tile(x, 1).data(), nullptr, y.data(), cache.data(), 1);
  x[0] += 1;
  Net::forward<Simd>(w.data(), tile(x, 1).data(), nullptr, other.data(), cache.data(), 1);
  CHECK(other[0] != y[0]);
  CHECK(other[2 * tile_rows] == y[2 * tile_rows]);
}
