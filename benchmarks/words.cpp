// Every estimator of returns, mixer, buffer, distribution and objective alone, in samples per second: how
// much of an update a word costs beside the networks' products (kernels.cpp).
//
//     words [--json FILE] [--benchmark_filter=REGEX ...]
#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include <polis/polis.hpp>

#include "google_benchmark.hpp"
#include "peak.hpp"

namespace {

using namespace polis;

using Values = AlignedVector<float>;

Values uniform(int count, std::uint32_t which, float low = -1, float high = 1) {
  Random random(1, 0, which, 0, Purpose::test);
  Values values(static_cast<std::size_t>(count));
  for (float& value : values) value = random.uniform(low, high);
  return values;
}

/// Runs `body`, which deals with `samples` of them a call.
template <class Body>
void measure(benchmark::State& state, int samples, const std::string& sizes, Body&& body) {
  for (auto _ : state) {
    body();
    benchmark::ClobberMemory();
  }
  state.SetItemsProcessed(state.iterations() * samples);
  state.SetLabel(sizes);
}

// ---- Estimators: a rollout of 128 slots of 256 rows, a hundredth of which are ends.

template <class R>
void returns(benchmark::State& state) {
  constexpr int slots = 128, rows = 256, count = slots * rows;
  const Values rewards = uniform(count, 0), values = uniform(count, 1), bootstrap = uniform(rows, 2);
  const Values final_values = uniform(count, 3), ratios = uniform(count, 4, .8f, 1.2f);
  Values advantages(count), targets(count);
  std::vector<End> ends(count);
  Random random(1, 0, 5, 0, Purpose::test);
  for (End& end : ends) {
    const int kind = random.integer(200);
    end = kind == 0 ? End::terminated : kind == 1 ? End::truncated : End::none;
  }
  const Trajectory all{.slots = slots,
                       .stride = rows,
                       .rewards = rewards.data(),
                       .values = values.data(),
                       .bootstrap = bootstrap.data(),
                       .ends = ends.data(),
                       .final_values = final_values.data(),
                       .ratios = recomputes<R> ? ratios.data() : nullptr,
                       .advantages = advantages.data(),
                       .returns = targets.data()};
  const typename R::Config config;
  std::vector<int> until(rows);
  measure(state, count, "128 slots x 256 rows", [&] {
    if constexpr (RowEstimator<R>) {
      estimate_rows<Simd, R>(config, all, rows);
    } else {
      for (int row = 0; row < rows; row += config.group)
        R::estimate_group(config, all.from(row), 1, &until[static_cast<std::size_t>(row)]);
    }
  });
}
BENCHMARK(returns<Gae>);
BENCHMARK(returns<LambdaReturn>);
BENCHMARK(returns<NStep<5>>);
BENCHMARK(returns<MonteCarlo>);
BENCHMARK(returns<VTrace>);
BENCHMARK(returns<GroupNormalised>);

// ---- Mixers: a tile of joint values of three agents, with a state of 48 numbers, there and back.

template <class W>
void mixer(benchmark::State& state) {
  constexpr int agents = 3, features = 48;
  using M = typename W::template mixer<agents, features>;
  const Values w = uniform(M::parameters, 0), q = uniform(agents * tile_rows, 1);
  const Values situation = uniform(features * tile_rows, 2), d_total = uniform(tile_rows, 3);
  Values gradient(M::parameters), total(tile_rows), d_q(agents * tile_rows), cache(M::cache_size),
      scratch(M::scratch_size);
  measure(state, tile_rows, "64 rows, 3 agents, state of 48, forward and backward", [&] {
    M::template forward<Simd>(w.data(), q.data(), situation.data(), total.data(), cache.data(), tile_rows);
    M::template backward<Simd>(w.data(), gradient.data(), q.data(), situation.data(), d_total.data(),
                               d_q.data(), cache.data(), scratch.data(), tile_rows);
  });
}
BENCHMARK(mixer<Vdn>);
BENCHMARK(mixer<Qmix<32>>);

// ---- Buffers: 64 rings, observations of 16 numbers, 2 of an action.

constexpr int units = 64, observation = 16, action = 2, batch = 256;
const char* const kept = "64 rings of 2048, observations of 16";

/// A decision of every ring with its reward; episodes of 100.
template <class Arrays>
void record(Arrays& buffer, int t, const Values& seen) {
  for (int unit = 0; unit < units; ++unit) {
    const int id = buffer.begin(unit, .99f);
    std::copy_n(&seen[static_cast<std::size_t>(unit % 7)], observation, &buffer.observations(id, 0, 0));
    for (int i = 0; i < action; ++i) buffer.actions(id, 0, i) = seen[static_cast<std::size_t>(i)];
    buffer.link(unit, nullptr);
    buffer.reward(unit, &seen[static_cast<std::size_t>(t % 7)]);
    if (t % 100 == 99) buffer.terminate(unit);
  }
}

template <class Word>
auto filled() {
  using Arrays = typename Word::Arrays;
  typename Arrays::Shape shape{
      .units = units, .capacity = 2048, .observation = observation, .action = action};
  typename Arrays::Config config;
  if constexpr (keeps_episodes<Word>) shape.capacity = 20, shape.longest = 100;
  Arrays buffer(config, shape);
  const Values seen = uniform(64, 0);
  for (int t = 0; t < 4100; ++t) record(buffer, t, seen);
  buffer.settle();
  return buffer;
}

template <class Word>
void buffer_record(benchmark::State& state) {
  auto buffer = filled<Word>();
  const Values seen = uniform(64, 0);
  int t = 0;
  measure(state, units, kept, [&] { record(buffer, t++, seen); });
}

/// A sample and its observations, before and after, on their way into tiles; where errors matter, they are
/// told. Of episodes: 8 of them, of 100 decisions.
template <class Word>
void buffer_sample(benchmark::State& state) {
  auto buffer = filled<Word>();
  Random random(1, 0, 1, 0, Purpose::test);
  Values tile(observation * tile_rows), weights(batch);
  const Values errors = uniform(batch, 2);
  const auto gather = [&](const float* from, const int* ids, int rows) {
    gather_tile<Simd>(from, observation, ids, rows, observation, tile.data());
  };
  if constexpr (keeps_episodes<Word>) {
    std::vector<int> episodes(8), ids(tile_rows);
    measure(state, 800, "8 episodes of 100 decisions", [&] {
      buffer.settle();
      buffer.sample(random, episodes);
      for (const int episode : episodes) {
        for (int first = 0; first < buffer.length(episode); first += tile_rows) {
          const int rows = std::min(tile_rows, buffer.length(episode) - first);
          for (int i = 0; i < rows; ++i)
            ids[static_cast<std::size_t>(i)] = episode * buffer.shape().slots() + first + i;
          gather(buffer.observations.data, ids.data(), rows);
        }
      }
    });
  } else {
    std::vector<int> ids(batch);
    measure(state, batch, std::string(kept) + ", batches of 256", [&] {
      buffer.settle();
      buffer.sample(random, .5, ids, weights);
      for (int first = 0; first < batch; first += tile_rows) {
        gather(buffer.observations.data, ids.data() + first, tile_rows);
        gather(buffer.next_observations.data, ids.data() + first, tile_rows);
      }
      buffer.learn(ids, errors);
    });
  }
}
BENCHMARK(buffer_record<Replay>);
BENCHMARK(buffer_record<PrioritizedReplay>);
BENCHMARK(buffer_record<Episodes>);
BENCHMARK(buffer_sample<Replay>);
BENCHMARK(buffer_sample<PrioritizedReplay>);
BENCHMARK(buffer_sample<Episodes>);

constexpr int rollout_steps = 128, rollout_rows = 256;
const char* const rollout_sizes = "128 steps x 256 rows, observations of 16";

RolloutArrays rollout() {
  return RolloutArrays(
      {.steps = rollout_steps, .rows = rollout_rows, .observation = observation, .action = action});
}

void rollout_record(benchmark::State& state) {
  RolloutArrays arrays = rollout();
  const Values seen = uniform(rollout_rows * observation, 0);
  int t = 0;
  measure(state, rollout_rows, rollout_sizes, [&] {
    for (int row = 0; row < rollout_rows; ++row) {
      const auto at = static_cast<std::size_t>(row);
      std::copy_n(&seen[at * observation], observation, &arrays.observations(t, row, 0));
      for (int i = 0; i < action; ++i) arrays.actions(t, row, i) = seen[at + static_cast<std::size_t>(i)];
      arrays.log_probs(t, row) = arrays.rewards(t, row) = arrays.values(t, row) = seen[at];
      arrays.ends(t, row) = End::none, arrays.decided(t, row) = 1, arrays.starts(t, row) = 0;
    }
    t = (t + 1) % rollout_steps;
  });
}
BENCHMARK(rollout_record);

void rollout_sample(benchmark::State& state) {
  RolloutArrays arrays = rollout();
  std::vector<int> ids(rollout_steps * rollout_rows);
  for (std::size_t i = 0; i < ids.size(); ++i) ids[i] = static_cast<int>(i);
  Random random(1, 0, 1, 0, Purpose::test);
  shuffle(std::span(ids), random);
  Values tile(observation * tile_rows);
  std::size_t first = 0;
  measure(state, tile_rows, rollout_sizes, [&] {
    gather_tile<Simd>(arrays.observations.data, observation, ids.data() + first, tile_rows, observation,
                      tile.data());
    first = (first + tile_rows) % ids.size();
  });
}
BENCHMARK(rollout_sample);

void reservoir_record(benchmark::State& state) {
  Reservoir reservoir(100'000, observation + action);
  Random random(1, 0, 1, 0, Purpose::test);
  const Values item = uniform(observation + action, 0);
  measure(state, 1, "100,000 items of 18 numbers", [&] {
    if (float* to = reservoir.add(random)) std::copy(item.begin(), item.end(), to);
  });
}
BENCHMARK(reservoir_record);

// ---- Distributions: a tile of rows, everything legal.

struct Halves : Box<3> {
  static constexpr float low = -1, high = 1;
};

template <class D>
struct DistributionTile {
  Values inputs = uniform(D::inputs * tile_rows, 0),
         weights = uniform(std::max(1, D::weights) * tile_rows, 1, -.1f, .1f);
  Values uniforms = uniform(D::noise * tile_rows, 2, 0, .999f), actions = Values(D::words * tile_rows);
  Values d_inputs = Values(D::inputs * tile_rows), d_weights = Values(std::max(1, D::weights) * tile_rows);

  static In<Batch<>> in(const Values& tile, int row) { return {tile.data() + row, tile_rows}; }
  static Out<Batch<>> out(Values& tile, int row) { return {tile.data() + row, tile_rows}; }
  void sample() {
    for (int row = 0; row < tile_rows; row += batch_width<Batch<>>) {
      D::template sample<Batch<>>(in(inputs, row), in(weights, row), {}, in(uniforms, row),
                                  out(actions, row));
    }
  }
};

template <class D>
void sample(benchmark::State& state) {
  DistributionTile<D> tile;
  measure(state, tile_rows, "64 rows", [&] { tile.sample(); });
}

/// Log-probability, entropy and their derivatives, as an update asks for them.
template <class D>
void evaluate(benchmark::State& state) {
  DistributionTile<D> tile;
  tile.sample();
  Values figures(2 * tile_rows);
  measure(state, tile_rows, "64 rows, with derivatives", [&] {
    for (int row = 0; row < tile_rows; row += batch_width<Batch<>>) {
      const auto inputs = tile.in(tile.inputs, row), weights = tile.in(tile.weights, row);
      const auto actions = tile.in(tile.actions, row);
      const Evaluation<Batch<>> e = D::template evaluate<Batch<>>(inputs, weights, {}, actions);
      tile.out(figures, row).set(0, e.log_prob);
      tile.out(figures, row).set(1, e.entropy);
      D::template backward<Batch<>>(inputs, weights, {}, actions, e.log_prob, Batch<>(-.01f),
                                    tile.out(tile.d_inputs, row), tile.out(tile.d_weights, row));
    }
  });
}

#define POLIS_DISTRIBUTION(...)   \
  BENCHMARK(sample<__VA_ARGS__>); \
  BENCHMARK(evaluate<__VA_ARGS__>)

POLIS_DISTRIBUTION(Categorical<6>);
POLIS_DISTRIBUTION(MultiCategorical<2, 4>);
POLIS_DISTRIBUTION(DiagGaussian<3>);
POLIS_DISTRIBUTION(SquashedGaussianOn<Halves>);
POLIS_DISTRIBUTION(SimplexGaussian<4>);
POLIS_DISTRIBUTION(BetaOn<Halves>);
POLIS_DISTRIBUTION(DirichletOn<4>);
POLIS_DISTRIBUTION(Product<Categorical<3>, DiagGaussian<2>>);

// ---- Objectives: losses of a tile of samples and their derivatives.

template <class O>
void objective(benchmark::State& state) {
  const Values log_probs = uniform(tile_rows, 0), old = uniform(tile_rows, 1),
               advantages = uniform(tile_rows, 2);
  Values losses(tile_rows), derivatives(tile_rows);
  const typename O::Config config;
  measure(state, tile_rows, "64 rows", [&] {
    for (int row = 0; row < tile_rows; row += batch_width<Batch<>>) {
      const auto load = [row](const Values& from) { return Load<Batch<>>::load(from.data() + row); };
      Batch<> loss, derivative;
      if constexpr (PointwiseObjective<O>) {
        const auto policy =
            O::template policy_loss<Batch<>>(config, {load(log_probs), load(old), load(advantages)});
        const auto value =
            O::template value_loss<Batch<>>(config, load(log_probs), load(old), load(advantages));
        loss = policy.loss + value.loss, derivative = policy.d_log_prob + value.d_value;
      } else {
        const auto error = O::error_loss(config, load(log_probs) - load(old));
        loss = error.loss, derivative = error.d_error;
      }
      Load<Batch<>>::store(losses.data() + row, loss);
      Load<Batch<>>::store(derivatives.data() + row, derivative);
    }
  });
}
BENCHMARK(objective<ClippedSurrogate>);
BENCHMARK(objective<DualClip>);
BENCHMARK(objective<MirrorDescent>);
BENCHMARK(objective<PolicyGradient>);
BENCHMARK(objective<SquaredError>);
BENCHMARK(objective<Huber>);

}  // namespace

int main(int argc, char** argv) {
  return polis::run_google_benchmarks(argc, argv, [] { return polis::measure_fma_peak<>(); });
}
