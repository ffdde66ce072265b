// What a trainer's policies are in plain data; and those that the tests of every format share.
#include <doctest/doctest.h>

#include <string>
#include <vector>

#include <polis/deploy/describe.hpp>

#include "policies.hpp"

namespace test_describe {

using namespace polis_test;

template <class Algorithm, class E>
Case make_case(const std::string& name) {
  const Untrained<Algorithm, E> untrained;
  return {name, describe_policy(untrained.trainer),
          decide(untrained.trainer.learner().agents().front(), E::draw)};
}

using Seen = Tuple<Discrete<3>, Box<2>, MultiDiscrete<2, 4>>;
using Done = Tuple<Torque, MultiDiscrete<3, 2>, Tuple<Simplex<4>, Discrete<3>>>;

}  // namespace test_describe

const std::vector<polis_test::Case>& polis_test::cases() {
  using namespace test_describe;
  static const std::vector<Case> all = {
      make_case<PPO, Noise<Box<6>, Discrete<5>>>("an index, through tanh"),
      make_case<PPO::With<Relu, NormalizeObservations>, Noise<Box<4>, Torque>>(
          "bounded numbers, through relu"),
      make_case<PPO::With<Gru<24>, NormalizeObservations>, Noise<Box<3>, Box<2>>>("numbers, from a gru"),
      make_case<PPO::With<Mlp<32>, Silu>, Noise<Discrete<7>, MultiDiscrete<4, 3>, true>>(
          "legal indices, through silu"),
      make_case<PPO::With<Mlp<>>, Noise<Seen, Done>>("a tuple of a tuple"),
      make_case<PPO::With<Mlp<8>, SquashedGaussian>, Noise<Box<3>, Torque>>("numbers squashed to bounds"),
      make_case<PPO::With<Mlp<8>, FirstFitting<Beta, Dirichlet>>, Noise<Box<3>, Tuple<Torque, Simplex<4>>>>(
          "means of Beta and Dirichlet"),
  };
  return all;
}
