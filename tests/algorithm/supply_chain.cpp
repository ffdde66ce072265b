// Learning in supply chains: below the best base stock of lost sales, by the exact cost; and tiers of a
// network as roles.
#include <doctest/doctest.h>

#include <algorithm>

#include <polis/algorithm/action_probabilities.hpp>
#include <polis/algorithm/ppo.hpp>
#include <polis/envs/games/exact.hpp>
#include <polis/envs/supply_chain/inventory.hpp>
#include <polis/envs/supply_chain/supply_network.hpp>
#include <polis/train/suites/comparison.hpp>
#include <polis/train/trainer.hpp>

namespace test_supply_chain {

using namespace polis;
using doctest::Approx;

TEST_CASE("algorithm/supply_chain: PPO beats the best base stock of lost sales after a million steps" *
          doctest::test_suite("learning")) {
  using E = LostSales<2>;
  using Buyer = Trainer<PPO, MultiAgentEnv<E>>;
  Buyer::Config config{.seed = 1, .lanes = 16, .threads = 1};
  config.algorithm.steps = 64;
  config.algorithm.epochs = 6;
  config.algorithm.minibatch = 256;
  config.algorithm.returns.discount = .98f;
  config.algorithm.optimizer.learning_rate = 1e-3f;
  config.algorithm.schedule.kind = ScheduleKind::linear;
  config.algorithm.entropy_coefficient = .003f;
  Buyer buyer(config);
  const auto cost = [&] {
    constexpr int choices = E::Action::size;
    const auto probabilities = action_probabilities(buyer.learner());
    Array<float, choices> all{};
    for (float& flag : all) flag = 1;
    return E::exact_cost(buyer.lanes().view(0), [&](In<float> seen) {
      const Array<double, choices> of = probabilities(0, seen, In<float>{all.data()});
      return certain<choices>(static_cast<int>(std::max_element(of.begin(), of.end()) - of.begin()));
    });
  };
  CHECK(cost() > 10);
  buyer.train(1'000'000);
  const double learnt = cost(), optimum = -E::optimal_value(buyer.lanes().view(0)).value;
  CHECK(learnt < 6.316);
  CHECK(learnt >= optimum);

  // The table of one command says the same, of samples: where random play is 0 and the optimum 1.
  const ResultTable table = buyer.evaluate(Comparison<E>{}, 64);
  CHECK(table.at("optimum", "per step") == Approx(-6.0936).epsilon(1e-4));
  CHECK(table.at("optimal", "per step") == Approx(-6.0936).epsilon(.02));
  CHECK(table.at("base_stock", "per step") == Approx(-6.3163).epsilon(.02));
  CHECK(table.at("trained", "per step") == Approx(-learnt).epsilon(.02));
  CHECK(table.at("trained", "score") > .98);
  CHECK(table.at("random", "score") == 0);
}

TEST_CASE(
    "algorithm/supply_chain: the tiers of a network learn as roles, and go on from where they stopped") {
  using E = SerialNetwork<1, 2>;
  using Firms = Trainer<PPO::With<Mlp<16>>, MultiAgentEnv<E>>;
  Firms::Config config{.seed = 3, .lanes = 8, .threads = 1};
  config.algorithm.steps = 16;
  config.env.down = .05f;
  Firms whole(config), first(config), second(config);
  whole.train(1024);
  first.train(512);
  ArchiveWriter writer;
  first.archive(writer);
  const auto bytes = writer.bytes();
  ArchiveReader reader(bytes);
  second.archive(reader);
  second.train(1024);
  const auto of = [](const Firms& firms) { return firms.evaluate(8, Play::sampled).returns; };
  CHECK(of(whole) == of(second));
  CHECK(of(whole) != of(Firms(config)));
  const EvaluationResult result = whole.evaluate(8);
  double shown = 0;
  for (const auto& [name, value] : result.metrics) shown = name == "fill_rate" ? value : shown;
  CHECK(result.success == Approx(shown).epsilon(.01));
}

}  // namespace test_supply_chain
