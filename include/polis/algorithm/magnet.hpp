// What an actor-critic policy is drawn to while it learns: nothing, or a magnet, another policy that stands
// still or follows slowly.
//
// In self-play each player's best policy depends on the others', and policies that only climb go round the
// equilibrium instead of to it. A penalty KL(policy || magnet) makes them turn inwards: with a magnet that
// stands still play converges to a regularised equilibrium near it (Sokota, D'Orazio, Kolter, Loizou,
// Lanctot, Mitliagkas, Brown and Kroer 2023, "A unified approach to reinforcement learning, quantal response
// equilibria, and two-player zero-sum games"; Jacob et al. 2022, "Modeling strong and human-like gameplay
// with KL-regularized search"), and where the magnet follows what was reached, from one to the next, to an
// equilibrium of the game itself (Perolat et al. 2021, "From Poincare recurrence to convergence in imperfect
// information games"). A magnet that is uniform is what the entropy coefficient alone stands for.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include <polis/algorithm/loss_scratch.hpp>
#include <polis/algorithm/target.hpp>
#include <polis/core/simd.hpp>
#include <polis/core/word.hpp>
#include <polis/nn/layout.hpp>
#include <polis/policy/parameters.hpp>

namespace polis {

/// No other policy.
struct NoMagnet {
  using word = word::Magnet;
  static constexpr bool attracts = false;
  struct Config {
    static void fields(auto&, auto&&) {}
  };
};

/// The loss of a decision has `coefficient` KL(policy || magnet) added to it. The magnet begins as the first
/// policy, which is nearly uniform, and follows as the target word says, once an update (a rollout, not an
/// optimizer step): `Magnet<SoftTarget>` on an average, with a rate of 0 not at all; `Magnet<HardTarget>` in
/// steps. The coefficient is in units of the advantages that are learnt from: of rewards where
/// `normalize_advantages` is off, of their deviation where it is on.
template <class Follow = HardTarget>
struct Magnet {
  using word = word::Magnet;
  static constexpr bool attracts = true;
  struct Config {
    float coefficient = .2f;
    typename Follow::Config target{};
    static void fields(auto& self, auto&& visit) {
      visit("coefficient", self.coefficient);
      visit("target", self.target);
    }
  };

  template <class Arch>
  static void follow(const Config& config, std::uint64_t updates, std::span<const float> weights,
                     std::span<float> magnet) {
    Follow::template follow<Arch>(config.target, updates, weights, magnet);
  }
};

namespace internal {

/// The weights of a sentence's magnet; nothing where it has none.
template <class Word, Parameters P>
class MagnetWeights {
 public:
  [[gnu::cold]] explicit MagnetWeights(P& weights) : magnet_(weights.like()) {
    pair_blocks(weights, [](std::span<const float> from, std::span<float> to) {
      std::copy(from.begin(), from.end(), to.begin());
    });
  }

  /// After the `updates`-th update.
  template <class Arch>
  void follow(const typename Word::Config& config, std::uint64_t updates, P& weights) {
    pair_blocks(weights, [&](std::span<const float> from, std::span<float> to) {
      Word::template follow<Arch>(config, updates, from, to);
    });
  }
  [[nodiscard]] const P& weights() const { return magnet_; }

  void archive(auto& a) { a(magnet_); }

 private:
  template <class F>
  void pair_blocks(P& weights, const F& f) {
    blocks_.clear();
    weights.for_each_block(
        [this](const Block&, std::size_t, std::span<float> values) { blocks_.push_back(values.data()); });
    auto from = blocks_.begin();
    magnet_.for_each_block([&](const Block&, std::size_t, std::span<float> values) {
      f(std::span<const float>(*from++, values.size()), values);
    });
  }

  P magnet_;
  std::vector<float*> blocks_;  // of the learnt weights, while the magnet's are walked
};
template <Parameters P>
class MagnetWeights<NoMagnet, P> {
 public:
  explicit MagnetWeights(P&) {}
  void archive(auto&) {}
};

/// The derivatives of a minibatch's divergences, each of which counts this much, and their sum.
template <class Arch>
void add_divergences(float weight, LossScratch& l, LossSums& sums) {
  using T = Batch<Arch>;
  const T zero(0.f);
  T divergence(0.f);
  for (int i = 0; i < tile_rows; i += batch_width<T>) {
    const auto acted = Load<T>::load(l.active + i) != zero;
    Load<T>::store(l.d_divergence + i, math::select(acted, T(weight), zero));
    divergence = divergence + math::select(acted, Load<T>::load(l.divergence + i), zero);
  }
  sums.divergence += static_cast<double>(horizontal_sum(divergence));
}

}  // namespace internal
}  // namespace polis
