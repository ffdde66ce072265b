// Every aggregate of settings visits all its members, so that none is missing from YAML, command line and
// logs.
#include <doctest/doctest.h>

#include <string>

#include <polis/core/fields.hpp>
#include <polis/polis.hpp>

namespace test_settings {

using namespace polis;

struct Buyer {};

/// Of each, and of all the aggregates it holds.
template <class... T>
void check_complete() {
  const auto check = [](bool complete, const std::string& type) { CHECK_MESSAGE(complete, type); };
  (check(fields_complete<T>(), type_name<T>()), ...);
}

}  // namespace test_settings

TEST_CASE("train/settings: fields of trainers and of all they hold are complete") {
  using namespace test_settings;
  check_complete<Trainer<PPO, MultiAgentEnv<CartPole>>::Config>();
  check_complete<Trainer<PPO::With<Uniform, PolicyGradient, RmsProp, NormalizeObservations, ScaleRewards>,
                         MultiAgentEnv<Pendulum>, Curriculum<None>>::Config>();
  check_complete<PPO::With<AdamW>::Config, PPO::With<Sgd>::Config>();
  check_complete<A2C::Config, A3C::Config, REINFORCE::Config, PPO::With<VTrace, DualClip>::Config>();
  check_complete<PPO::With<GroupNormalised>::Config, PPO::With<LambdaReturn>::Config>();
}

TEST_CASE("train/settings: fields of single words are complete") {
  using namespace test_settings;
  check_complete<None::Config, Staged::Config, Adaptive::Config, Schedule, GaussianConfig, EvaluationPlan,
                 CheckpointPlan, Trading::Config>();
  using Config = Policies<For<Buyer, PPO>>::Config;
  CHECK(field_count<Config>() == 1);
}
