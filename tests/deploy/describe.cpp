// What a trainer's policies are in plain data; and those that the tests of every format share.
#include <doctest/doctest.h>

#include <cstddef>
#include <string>
#include <vector>

#include <polis/algorithm/policies.hpp>
#include <polis/deploy/describe.hpp>
#include <polis/nn/bfloat16.hpp>

#include "policies.hpp"

namespace test_describe {

using namespace polis_test;

template <class Algorithm, class E>
Case make_case(const std::string& name) {
  const Untrained<Algorithm, E> untrained;
  return {name, describe_policy(untrained.trainer),
          decide(untrained.trainer.learner().agents().front(), E::draw)};
}

/// Two agents with the same weights, told apart by their numbers: the policy of the second.
template <class Algorithm>
Case make_told() {
  using E = Noise<Box<3>, Discrete<4>, false, 2>;
  const Untrained<Algorithm, E> untrained;
  const PolicyModel model = describe_policy(untrained.trainer, 1);
  return {"an agent that is told its number", model,
          decide(untrained.trainer.learner().agents().front(), E::draw, 1)};
}

using Seen = Tuple<Discrete<3>, Box<2>, MultiDiscrete<2, 4>>;
using Done = Tuple<Torques, MultiDiscrete<3, 2>, Tuple<Simplex<4>, Discrete<3>>>;

}  // namespace test_describe

const std::vector<polis_test::Case>& polis_test::cases() {
  using namespace test_describe;
  static const std::vector<Case> all = {
      make_case<PPO, Noise<Box<6>, Discrete<5>>>("an index, through tanh"),
      make_case<PPO::With<Relu, NormalizeObservations>, Noise<Box<4>, Torques>>(
          "bounded numbers, through relu"),
      make_case<PPO::With<Gru<24>, NormalizeObservations>, Noise<Box<3>, Box<2>>>("numbers, from a gru"),
      make_case<PPO::With<Mlp<32>, Silu>, Noise<Discrete<7>, MultiDiscrete<4, 3>, true>>(
          "legal indices, through silu"),
      make_case<PPO::With<Mlp<>>, Noise<Seen, Done>>("a tuple of a tuple"),
      make_case<PPO::With<Mlp<8>, SquashedGaussian>, Noise<Box<3>, Torques>>("numbers squashed to bounds"),
      make_case<PPO::With<Mlp<8>, FirstFitting<Beta, Dirichlet>>, Noise<Box<3>, Tuple<Torques, Simplex<4>>>>(
          "means of Beta and Dirichlet"),
      make_told<PPO::With<Mlp<8>, AgentIds>>(),
  };
  return all;
}

namespace test_describe {

/// The role and the agents whose policy is that of each agent of the market, and the first weight of it.
template <class Algorithm>
std::string owners() {
  const Untrained<Algorithm, Market> untrained;
  std::string text;
  std::vector<float> first;
  for (int agent = 0; agent < 3; ++agent) {
    const PolicyModel model = describe_policy(untrained.trainer, agent);
    text += model.role + ':';
    for (const int own : model.agents) text += ' ' + std::to_string(own);
    first.push_back(model.layers.front().weight.front());
    int same = 0;
    while (first[static_cast<std::size_t>(same)] != first.back()) ++same;
    text += " weights " + std::to_string(same) + "; ";
  }
  return text;
}

}  // namespace test_describe

using namespace test_describe;

TEST_CASE("deploy/describe: each agent's policy is the one that it acts by") {
  using Linear = PPO::With<Mlp<>>;
  CHECK(owners<Linear>() == "Buyer: 0 1 weights 0; Buyer: 0 1 weights 0; Seller: 2 weights 2; ");
  CHECK(owners<Linear::With<SharedParameters>>() ==
        "Buyer: 0 1 2 weights 0; Buyer: 0 1 2 weights 0; Seller: 0 1 2 weights 0; ");
  CHECK(owners<Linear::With<SeparateParameters>>() ==
        "Buyer: 0 weights 0; Buyer: 1 weights 1; Seller: 2 weights 2; ");
  CHECK(owners<Policies<For<Seller, Linear>, For<Buyer, Linear::With<SeparateParameters>>>>() ==
        "Buyer: 0 weights 0; Buyer: 1 weights 1; Seller: 2 weights 2; ");
}

TEST_CASE("deploy/describe: a network with products of bfloat16 is described by its float32 weights") {
  using E = Noise<Box<6>, Discrete<5>>;
  const Untrained<PPO::With<Mlp<20, 16>>, E> exact;
  const Untrained<PPO::With<Bfloat16<Mlp<20, 16>>>, E> rounded;
  const PolicyModel a = describe_policy(exact.trainer), b = describe_policy(rounded.trainer);
  REQUIRE(a.layers.size() == 3);
  REQUIRE(b.layers.size() == 3);
  for (std::size_t i = 0; i < 3; ++i) {
    CHECK(a.layers[i].weight == b.layers[i].weight);
    CHECK(a.layers[i].bias == b.layers[i].bias);
    CHECK(a.layers[i].activation == b.layers[i].activation);
  }
}

TEST_CASE("deploy/describe: spaces, bounds and heads in the order of their numbers") {
  const PolicyModel model = cases()[4].model;
  CHECK(model.categories == std::vector<int>{3, 0, 0, 2, 4});
  CHECK(model.features() == 11);
  CHECK(model.outputs() == 14);
  REQUIRE(model.action.elements.size() == 3);
  CHECK(model.action.elements[0].low == std::vector<float>{-.5f, -.5f, -.5f});
  CHECK(model.action.elements[0].high == std::vector<float>{.5f, .25f, 1.f});
  CHECK(model.action.elements[1].sizes == std::vector<int>{3, 2});
  REQUIRE(model.action.elements[2].elements.size() == 2);
  CHECK(model.action.elements[2].elements[0].kind == SpaceKind::simplex);
  std::string heads;
  for (const HeadModel& head : model.heads)
    heads += std::to_string(head.inputs) + "->" + std::to_string(head.words) + ' ';
  CHECK(heads == "3->3 3->1 2->1 3->4 3->1 ");
  CHECK(cases()[3].model.flags() == 7);
  CHECK(model.flags() == 0);
}
