// Environments, distributions and objectives are the same source on the CPU and in CUDA kernels: this file
// compiles each of them into a kernel.
//
// Building it is the test, and its flags make it one: nvcc only warns where a __host__ __device__ function
// calls one of the host, and with --Werror all-warnings that is an error. Run on a GPU, the program checks
// that the kernels come to an end.
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstring>

#include <polis/polis.hpp>

#include "environments.hpp"

// Its front end sees in a concept what the others see.
static_assert(polis::MappableBuffer<polis::Replay> && polis::MappableBuffer<polis::PrioritizedReplay> &&
              polis::MappableBuffer<polis::Episodes> && !polis::MappableBuffer<polis::Rollout>);

namespace test_host_device {

using namespace polis;

using test_cuda::Types;

struct Buyer {};
struct Seller {};

/// What no environment may call; with POLIS_TEST_CALLS_HOST one does, and compilation must fail.
inline void host_only() { std::puts("on the host"); }

/// Uses what the built-in environments do not: roles, every kind of space, turns, legal actions, agent loops.
struct Bazaar {
  struct Bid : Box<2> {
    static constexpr Array<float, 2> low{{0, -1}}, high{{1, 1}};
  };
  using Roles = polis::Roles<Role<Buyer, 3, Tuple<Discrete<3>, MultiDiscrete<2, 4>>, Tuple<Bid, Simplex<3>>>,
                             Role<Seller, 2, Box<1>, MultiDiscrete<2, 3>>>;
  using State = Box<1>;
  static constexpr RewardStructure rewards = RewardStructure::general_sum;
  struct Config {
    float price = 1;
  };
  struct Task {
    int demand = 3;
  };
  int step_count = 0;
  float stock = 0;

  POLIS_HD void reset(Context<Bazaar>& ctx) {
    step_count = 0;
    stock = static_cast<float>(ctx.task().demand + ctx.random.integer(3));
  }
  POLIS_HD void step(const Actions<Bazaar>& actions, Context<Bazaar>& ctx) {
    const float sold = ctx.sum(3, [&](int i) { return actions.of(Buyer{})[i].template get<0>()[0]; });
    const float shares = actions.of(Buyer{})[0].template get<1>()[2];
    ctx.each(2, [&](int i) {
      const auto offers = static_cast<float>(actions.of(Seller{})[i][1]);
      ctx.reward(Seller{}, i) = offers * ctx.config().price * shares;
    });
    ctx.once([&] { stock -= sold; });
    if (stock < 0) ctx.terminate(Buyer{}, 1);
    if (++step_count == 10) ctx.terminate();
  }
  POLIS_HD void observe(Buyer, int index, Row out, const View<Bazaar>& view) const {
    out[0] = static_cast<float>(index);
    out[1] = 1;
    out[2] = static_cast<float>(view.task().demand);
  }
  POLIS_HD void observe(Seller, int, Row out, const View<Bazaar>&) const { out[0] = stock; }
  POLIS_HD void state(Row out) const {
    out[0] = stock;
#ifdef POLIS_TEST_CALLS_HOST
    host_only();
#endif
  }
  POLIS_HD void legal(int, Row mask) const { mask[0] = 0; }
  POLIS_HD bool acting(int agent) const { return agent % 2 == step_count % 2; }
  POLIS_HD float potential(int agent) const { return stock * static_cast<float>(agent); }
  POLIS_HD float counterfactual(int agent) const { return static_cast<float>(agent); }
  POLIS_HD Actions<Bazaar> target_actions() const { return {}; }
};

/// Trading with all that its type can be asked for, and with what is off by default.
struct WatchedTrading : BasicTrading<TradingSpec{.assets = 2,
                                                 .traders = 2,
                                                 .orders = true,
                                                 .holding = 3,
                                                 .volume = true,
                                                 .sentiment = true,
                                                 .risk = true}> {
  struct Config : TradingConfig {
    POLIS_HD constexpr Config() {
      orders.holding = 2, orders.stop_loss = .01f, orders.take_profit = .01f, orders.cooldown = 1;
      impact_by_volume = true;
      risk.drawdown_limit = .02f, risk.value_at_risk_limit = .01f, risk.block = 3;
    }
  };
  struct Task : BasicTrading::Task {
    POLIS_HD constexpr Task() { scenario = MarketScenario::crash; }
  };
};

/// Agent 1 always does its first action.
struct Restraint {
  template <class E, class Action>
  POLIS_HD static bool allows(const E&, int agent, const Action&, const View<E>&) {
    return agent != 1;
  }
  template <class E, class Action>
  POLIS_HD static Action instead(const E&, int, const Action&, const View<E>&) {
    return Action{};
  }
};

using Environments = test_cuda::With<test_cuda::Environments, WatchedTrading, Bazaar>;

/// Every wrapper, around what has every ability and around what has few: name a new one here.
using Wrapped =
    Types<TimeLimit<Pendulum, 50>, FrozenLake100, TimeLimit<TimeLimit<Bazaar, 9>, 8>, FrameStack<CartPole, 4>,
          FrameStack<FrameStack<Bazaar, 2>, 3>, RescaledActions<Pendulum>, RescaledActions<Bazaar>,
          FrameStack<RescaledActions<TimeLimit<Bazaar, 9>>, 2>, Channel<Bazaar>,
          Guarded<Bazaar, Restraint, 100>, Guarded<CartPole, Restraint>, Together<CueGame>,
          FrameStack<Together<SimpleSpread<particle::Original>>, 2>,
          FrameStack<Channel<CueGame, ChannelSpec{.symbols = 2, .tokens = 2, .budget = 3, .cost = 10}>, 2>>;

/// Every distribution: name a new one here.
using Distributions = Types<Categorical<5>, MultiCategorical<2, 4>, DiagGaussian<3>, SimplexGaussian<4>,
                            SquashedGaussianOn<Box<3>>, SquashedGaussianOn<Bazaar::Bid>, BetaOn<Bazaar::Bid>,
                            DirichletOn<4>, Product<Categorical<3>, DiagGaussian<2>, SimplexGaussian<3>>>;

/// Every objective: name a new one here.
using Objectives = Types<ClippedSurrogate, DualClip, PolicyGradient, MirrorDescent>;

/// Every estimator of returns: name a new one here.
using Estimators = Types<Gae, LambdaReturn, MonteCarlo, NStep<5>, VTrace, GroupNormalised>;

constexpr int lanes = 128, steps = 32;

/// The action that an arbitrary random choice stands for, in any space.
template <Space S>
__device__ typename S::Element any_action(Random& random) {
  float words[S::words];
  for (float& word : words) word = random.uniform();  // index 0 of a discrete space
  return decode<S>(In<float>{words});
}

template <class E, int R = 0>
__device__ void choose_actions(Actions<E>& actions, Random& random) {
  using Role = RoleOf<E, R>;
  for (int i = 0; i < Role::count; ++i) {
    actions.of(typename Role::Tag{})[i] = any_action<typename Role::Action>(random);
  }
  if constexpr (R + 1 < role_count<E>) choose_actions<E, R + 1>(actions, random);
}

/// What the agents of role R and of the roles after it see, and what the other abilities of E say, added up.
template <class E, int R = 0>
__device__ float read_agents(const E& env, const View<E>& view) {
  using Role = RoleOf<E, R>;
  float total = 0;
  for (int i = 0; i < Role::count; ++i) {
    float seen[Role::Observation::words], inputs[Role::Observation::features], mask[Role::Action::features];
    internal::observe<R>(env, i, Row{seen}, view);
    expand<typename Role::Observation>(In<float>{seen}, Out<float>{inputs});
    for (const float input : inputs) total += input;
    for (float& flag : mask) flag = 1;
    if constexpr (HasLegalActions<E>) internal::legal<R>(env, i, Row{mask});
    total += mask[0] + (internal::acting<R>(env, i) ? 1.f : 0.f);
  }
  if constexpr (R + 1 < role_count<E>) total += read_agents<E, R + 1>(env, view);
  return total;
}

/// One lane a thread: resets, then steps with random actions, starting anew where an episode ends.
template <DeviceEnvironment E>
__global__ void play(const ConfigOf<E>* config, const TaskOf<E>* task, const DatasetOf<E>* data,
                     float* totals) {
  const auto lane = blockIdx.x * blockDim.x + threadIdx.x;
  const View<E> view(*config, *task, *data);
  E env{};
  float rewards[agent_count<E>] = {}, total = 0;
  End ends[agent_count<E>] = {};
  bool over = true;
  for (std::uint32_t step = 0; step < steps; ++step) {
    if (over) {
      Context<E> ctx(view, Random(1, step, lane, 0, Purpose::reset), rewards, ends);
      env.reset(ctx);
    }
    Random choice(1, step, lane, 0, Purpose::action);
    Actions<E> actions{};
    choose_actions<E>(actions, choice);
    Context<E> ctx(view, Random(1, step, lane, 0, Purpose::environment), rewards, ends);
    env.step(actions, ctx);
    over = ctx.episode() != End::none;
    for (const float reward : rewards) total += reward;
    total += read_agents<E>(env, view);
    if constexpr (HasState<E>) {
      float state[E::State::words];
      if constexpr (requires { env.state(Row{state}, view); }) {
        env.state(Row{state}, view);
      } else {
        env.state(Row{state});
      }
      total += state[0];
    }
    if constexpr (StatesSuccess<E>) total += env.success();
    if constexpr (HasPotential<E>) total += internal::potential(env, 0, view);
    if constexpr (HasCounterfactual<E>) total += internal::counterfactual(env, 0, view);
    if constexpr (HasTargetActions<E>) {
      const Actions<E> target = internal::target_actions(env, view);
      const auto* bytes = reinterpret_cast<const unsigned char*>(&target);
      total += static_cast<float>(bytes[0]);
    }
  }
  totals[lane] = total;
}

/// The reference policies that a kernel can play with.
template <class E>
__global__ void play_references(float* totals) {
  const auto lane = blockIdx.x * blockDim.x + threadIdx.x;
  Random random(1, 0, lane, 0, Purpose::test);
  E env{};
  totals[lane] = static_cast<float>(random_play(env, random)[0] + greedy_assignment(env, random)[0]);
}

/// One row a thread: draws an action, reads all that the distribution says of it, and writes the gradients.
template <Distribution D>
__global__ void draw(float* totals) {
  const auto row = blockIdx.x * blockDim.x + threadIdx.x;
  Random random(1, 0, row, 0, Purpose::test);
  // One float more than needed, since a distribution may need none.
  float inputs[D::inputs + 1], weights[D::weights + 1] = {}, mask[D::mask_size + 1], uniforms[D::noise + 1];
  float action[D::words + 1], d_inputs[D::inputs + 1], d_weights[D::weights + 1] = {};
  for (float& input : inputs) input = random.uniform(-1, 1);
  for (float& flag : mask) flag = 1;
  for (float& uniform : uniforms) uniform = random.uniform();

  using In = polis::In<float>;
  using Out = polis::Out<float>;
  float total = 0;
  if (D::valid(In{mask})) {
    D::template mode<float>(In{inputs}, In{weights}, In{mask}, Out{action});
    total += action[0];
    D::template sample<float>(In{inputs}, In{weights}, In{mask}, In{uniforms}, Out{action});
    const Evaluation<float> both = D::template evaluate<float>(In{inputs}, In{weights}, In{mask}, In{action});
    total += both.log_prob - D::template log_prob<float>(In{inputs}, In{weights}, In{mask}, In{action});
    total += both.entropy - D::template entropy<float>(In{inputs}, In{weights}, In{mask});
    D::template backward<float>(In{inputs}, In{weights}, In{mask}, In{action}, 1.f, -.01f, Out{d_inputs},
                                Out{d_weights});
    if constexpr (HasDivergence<D>) {
      total += D::template divergence<float>(In{inputs}, In{weights}, In{inputs}, In{weights}, In{mask});
      D::template add_divergence_gradient<float>(In{inputs}, In{weights}, In{inputs}, In{weights}, In{mask},
                                                 1.f, Out{d_inputs}, Out{d_weights});
    }
    total += d_inputs[0] + d_weights[0];
  }
  totals[row] = total;
}

/// One row a thread: what a model of other agents makes of their actions, and its gradient.
__global__ void predict(float* totals) {
  using Others = internal::OtherAgents<internal::ChoosingAgents<2, 3>, internal::ChoosingAgents<1, 2, 4>>;
  const auto row = blockIdx.x * blockDim.x + threadIdx.x;
  Random random(1, 0, row, 0, Purpose::test);
  float logits[Others::inputs], actions[Others::words], d_logits[Others::inputs];
  for (float& logit : logits) logit = random.uniform(-1, 1);
  for (float& action : actions) action = static_cast<float>(random.integer(2));
  actions[1] = -1;
  const auto p = Others::evaluate<float>({logits, 1}, {actions, 1});
  Others::backward<float>({logits, 1}, {actions, 1}, 1.f, {d_logits, 1});
  totals[row] = p.cross_entropy + p.accuracy + d_logits[0];
}

/// One sample a thread.
template <PointwiseObjective O>
__global__ void judge(const typename O::Config* config, float* totals) {
  const auto row = blockIdx.x * blockDim.x + threadIdx.x;
  Random random(1, 0, row, 0, Purpose::test);
  const PolicySample<float> sample{random.uniform(-2, 0), random.uniform(-2, 0), random.normal()};
  const PolicyLoss<float> policy = O::template policy_loss<float>(*config, sample);
  const float value = random.normal(), old_value = random.normal(), target = random.normal();
  const ValueLoss<float> critic = O::template value_loss<float>(*config, value, old_value, target);
  totals[row] = policy.loss + policy.d_log_prob + policy.clipped + policy.kl + critic.loss + critic.d_value;
}

/// One sequence a thread; the sequences lie side by side, as in a rollout.
template <class R>
__global__ void estimate(const typename R::Config* config, Trajectory sequences) {
  const auto lane = blockIdx.x * blockDim.x + threadIdx.x;
  if constexpr (GroupEstimator<R>) {
    int until[lanes];
    if (lane == 0) R::estimate_group(*config, sequences, 1, until);
  } else {
    R::template estimate<float>(*config, sequences.from(static_cast<int>(lane)));
  }
}

/// A value of T in memory that host and device share.
template <class T>
T* shared(const T& value = {}) {
  T* memory = nullptr;
  if (cudaMallocManaged(&memory, sizeof(T)) != cudaSuccess) return nullptr;
  *memory = value;
  return memory;
}

/// `count` zeroes in such memory.
template <class T>
T* zeroes(int count) {
  T* memory = nullptr;
  const auto bytes = static_cast<std::size_t>(count) * sizeof(T);
  if (cudaMallocManaged(&memory, bytes) != cudaSuccess) return nullptr;
  std::memset(static_cast<void*>(memory), 0, bytes);
  return memory;
}

template <class... E>
void launch_environments(Types<E...>, float* totals) {
  (play<E><<<lanes / 64, 64>>>(shared<ConfigOf<E>>(), shared<TaskOf<E>>(), shared<DatasetOf<E>>(), totals),
   ...);
}

template <class... D>
void launch_distributions(Types<D...>, float* totals) {
  (draw<D><<<lanes / 64, 64>>>(totals), ...);
}

template <class... O>
void launch_objectives(Types<O...>, float* totals) {
  (judge<O><<<lanes / 64, 64>>>(shared<typename O::Config>(), totals), ...);
}

template <class... R>
void launch_estimators(Types<R...>) {
  Trajectory sequences;
  sequences.slots = steps;
  sequences.stride = lanes;
  sequences.rewards = zeroes<float>(steps * lanes);
  sequences.values = zeroes<float>(steps * lanes);
  sequences.bootstrap = zeroes<float>(lanes);
  sequences.ends = zeroes<End>(steps * lanes);
  sequences.advantages = zeroes<float>(steps * lanes);
  sequences.returns = zeroes<float>(steps * lanes);
  (estimate<R><<<lanes / 64, 64>>>(shared<typename R::Config>(), sequences), ...);
}

}  // namespace test_host_device

int main() {
  using namespace test_host_device;
  float* totals = zeroes<float>(lanes);
  launch_environments(Environments{}, totals);
  launch_environments(Wrapped{}, totals);
  play_references<SimpleSpread<particle::Original>><<<lanes / 64, 64>>>(totals);
  launch_distributions(Distributions{}, totals);
  predict<<<lanes / 64, 64>>>(totals);
  launch_objectives(Objectives{}, totals);
  launch_estimators(Estimators{});
  const cudaError_t error = cudaDeviceSynchronize();
  if (error != cudaSuccess) std::fprintf(stderr, "%s\n", cudaGetErrorString(error));
  return error == cudaSuccess ? 0 : 1;
}
