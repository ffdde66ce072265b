// A team's one value for each state: the same gradients as a central critic's that values every agent alike.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <type_traits>
#include <vector>

#include <polis/algorithm/ppo.hpp>
#include <polis/core/archive.hpp>
#include <polis/envs/particle/simple_spread.hpp>
#include <polis/nn/sgd.hpp>
#include <polis/normalization/values.hpp>
#include <polis/train/trainer.hpp>

namespace test_team_critic {

using namespace polis;

/// A team that is to meet at a point: everybody is paid minus the mean squared distance from it.
template <int Agents>
struct Meeting {
  static constexpr int agents = Agents;
  static constexpr RewardStructure rewards = RewardStructure::shared;
  using Observation = Box<2>;
  using State = Box<2 * agents>;
  using Action = Box<1>;

  Array<float, agents> places{};
  float goal = 0;
  int steps = 0;

  void reset(auto& ctx) {
    steps = 0;
    goal = ctx.random.uniform(-1.f, 1.f);
    for (float& place : places) place = ctx.random.uniform(-1.f, 1.f);
  }
  void step(const auto& actions, auto& ctx) {
    float cost = 0;
    for (int i = 0; i < agents; ++i) {
      places[i] += .2f * std::clamp(actions[i][0], -1.f, 1.f);
      cost += (places[i] - goal) * (places[i] - goal);
    }
    ctx.reward_all(-cost / agents);
    if (++steps % 3 == 0 && cost < .01f) ctx.terminate();
    if (steps == 12) ctx.truncate();
  }
  void observe(int agent, Row out) const { out[0] = places[agent], out[1] = goal; }
  void state(Row out) const {
    for (int i = 0; i < agents; ++i) out[2 * i] = places[i], out[2 * i + 1] = goal;
  }
};

template <class Critic, class... Words>
using Proximal = PPO::With<Mlp<16, 16>, Critic, Words...>;

template <class Algorithm, class E>
using Student = Trainer<Algorithm, MultiAgentEnv<E>>;

template <class Student>
typename Student::Config settings(int threads) {
  typename Student::Config config{.seed = 5, .lanes = 40, .threads = threads};
  config.algorithm.steps = 20;
  config.algorithm.epochs = 2;
  config.algorithm.minibatch = 300;
  return config;
}

std::vector<float> weights_of(auto& trainer) {
  const auto values = trainer.learner().agents().front().weights().values();
  return {values.begin(), values.end()};
}

template <class Student>
std::vector<float> trained(int threads, int updates) {
  Student student(settings<Student>(threads));
  for (int i = 0; i < updates; ++i) student.iterate();
  return weights_of(student);
}

}  // namespace test_team_critic

TEST_CASE("algorithm/team_critic: of a team of one it is the central critic, to the last bit") {
  using namespace test_team_critic;
  using One = Meeting<1>;
  CHECK(trained<Student<Proximal<TeamCritic<Mlp<16, 16>>>, One>>(1, 3) ==
        trained<Student<Proximal<CentralCritic>, One>>(1, 3));
  CHECK(trained<Student<Proximal<TeamCritic<Mlp<16, 16>>, ValueNormalization>, One>>(1, 3) ==
        trained<Student<Proximal<CentralCritic, ValueNormalization>, One>>(1, 3));
}

TEST_CASE("algorithm/team_critic: an update is that of a central critic that values each agent alike") {
  using namespace test_team_critic;
  const auto update = [](auto student_type) {
    using S = typename decltype(student_type)::type;
    auto config = settings<S>(1);
    config.algorithm.epochs = 1;
    config.algorithm.minibatch = 0;  // one step on the whole rollout
    config.algorithm.normalize_advantages = false;
    config.algorithm.entropy_coefficient = .01f;
    config.algorithm.optimizer.learning_rate = .1f;
    S student(config);
    const auto before = weights_of(student);
    student.iterate();
    auto step = weights_of(student);
    for (std::size_t i = 0; i < step.size(); ++i) step[i] -= before[i];
    return step;
  };
  const auto compare = [&](auto environment) {
    using E = typename decltype(environment)::type;
    const auto team = update(std::type_identity<Student<Proximal<TeamCritic<Mlp<16, 16>>, Sgd>, E>>{});
    const auto central = update(std::type_identity<Student<Proximal<CentralCritic, Sgd>, E>>{});
    REQUIRE(team.size() == central.size());
    float largest = 0, difference = 0;
    for (std::size_t i = 0; i < team.size(); ++i) {
      largest = std::max(largest, std::abs(central[i]));
      difference = std::max(difference, std::abs(team[i] - central[i]));
    }
    CHECK(largest > 1e-3f);
    CHECK(difference < 2e-5f * largest);
  };
  compare(std::type_identity<Meeting<3>>{});
  compare(std::type_identity<SimpleSpread<>>{});
}

TEST_CASE("algorithm/team_critic: on one thread and on three, and after a resume") {
  using namespace test_team_critic;
  using S = Student<Proximal<TeamCritic<Mlp<32>>>, Meeting<5>>;
  S first(settings<S>(3)), rest(settings<S>(1));
  first.iterate();
  ArchiveWriter writer;
  first.archive(writer);
  ArchiveReader reader(writer.bytes());
  rest.archive(reader);
  rest.iterate();
  CHECK(weights_of(rest) == trained<S>(1, 2));
}

TEST_CASE("algorithm/team_critic: a team learns to meet") {
  using namespace test_team_critic;
  using S = Student<Proximal<TeamCritic<Mlp<32>>>, Meeting<3>>;
  auto config = settings<S>(1);
  config.algorithm.optimizer.learning_rate = 3e-3f;
  config.algorithm.minibatch = 100;
  S student(config);
  const double before = student.evaluate(200).mean;
  student.train(60'000);
  const double after = student.evaluate(200).mean;
  CHECK(after > .6 * before);  // costs: less than 60% are left
}
