// Synthetic markets: one common factor behind several assets, in percent per bar: by default Markov regime
// switching, else one of the processes of processes.hpp.
//
// In regime k the factor's log return is normal with mean mu_k and deviation sigma_k; the regime is a Markov
// chain (Hamilton 1989). With one regime this is geometric Brownian motion, which has none of the volatility
// clustering of real markets. Everything is host-device and plain data: an environment draws its own path,
// bar by bar.
#pragma once

#include <array>

#include <polis/core/array.hpp>
#include <polis/core/math.hpp>
#include <polis/core/platform.hpp>
#include <polis/core/random.hpp>
#include <polis/envs/market/features.hpp>
#include <polis/envs/market/processes.hpp>
#include <polis/envs/market/scenario.hpp>

namespace polis {

/// Log returns whose mean and deviation (percent) depend on a Markov chain of N regimes, calmest first.
template <int N>
struct RegimeSwitching {
  static constexpr int regimes = N;
  Array<float, N> mean{}, deviation{};
  Array<Array<float, N>, N> transition{};  ///< [from][to], rows sum to one

  /// The share of time spent in each regime: the fixed point of the chain, by repeated squaring of its
  /// matrix.
  POLIS_HD Array<float, N> stationary() const {
    Array<Array<double, N>, N> power{};
    for (int i = 0; i < N; ++i) {
      for (int j = 0; j < N; ++j) power[i][j] = static_cast<double>(transition[i][j]);
    }
    for (int squaring = 0; squaring < 16; ++squaring) power = squared(power);
    Array<float, N> shares{};
    for (int j = 0; j < N; ++j) shares[j] = static_cast<float>(power[0][j]);
    return shares;
  }

  /// A regime drawn from `stationary()`, among those from `lowest` to `highest`.
  POLIS_HD int start(Random& random, int highest = N - 1, int lowest = 0) const {
    return pick(stationary(), highest, lowest, random);
  }

  /// The next bar's regime, among those from `lowest` to `highest`: moves to others are drawn as if they
  /// could not happen; where no other can, it is `highest`.
  POLIS_HD int next(int regime, Random& random, int highest = N - 1, int lowest = 0) const {
    return pick(transition[regime], highest, lowest, random);
  }

  /// As a ReturnProcess (processes.hpp): the state is the regime of the bar before.
  using State = int;
  POLIS_HD State begin(Random& random) const { return start(random); }
  POLIS_HD float advance(State& regime, Random& random) const {
    regime = next(regime, random);
    return draw(regime, random);
  }

  /// One log return in percent.
  POLIS_HD float draw(int regime, Random& random) const {
    return mean[regime] + deviation[regime] * random.normal();
  }

 private:
  POLIS_HD static Array<Array<double, N>, N> squared(const Array<Array<double, N>, N>& matrix) {
    Array<Array<double, N>, N> product{};
    for (int i = 0; i < N; ++i) {
      double row = 0;
      for (int j = 0; j < N; ++j) {
        for (int k = 0; k < N; ++k) product[i][j] += matrix[i][k] * matrix[k][j];
        row += product[i][j];
      }
      for (int j = 0; j < N; ++j) product[i][j] /= row;  // rounding would otherwise grow with every squaring
    }
    return product;
  }

  POLIS_HD static int pick(const Array<float, N>& weights, int highest, int lowest, Random& random) {
    float total = 0;
    for (int i = lowest; i <= highest; ++i) total += weights[i];
    float left = total * random.uniform();
    for (int i = lowest; i < highest; ++i) {
      left -= weights[i];
      if (left < 0) return i;
    }
    return highest;
  }
};

/// Calm, normal and crisis markets, fitted to daily stock indices. Shares of time .475, .430, .094.
POLIS_HD constexpr RegimeSwitching<3> three_regimes() {
  return {{{.0971f, -.0331f, -.1954f}},
          {{.5428f, 1.1764f, 2.9612f}},
          {{{{.97755f, .02245f, 0}}, {{.02445f, .96768f, .00787f}}, {{.0016f, .03441f, .96399f}}}}};
}

/// Quiet and turbulent markets.
POLIS_HD constexpr RegimeSwitching<2> two_regimes() {
  return {{{.0688f, -.1225f}}, {{.7004f, 2.0502f}}, {{{{.98977f, .01023f}}, {{.02506f, .97494f}}}}};
}

/// Independent normal log returns, in percent.
POLIS_HD constexpr RegimeSwitching<1> geometric_brownian(float mean, float deviation) {
  return {{{mean}}, {{deviation}}, {{{{1}}}}};
}

/// How one asset follows the factor f: its log return is alpha + beta f + residual[regime] * normal
/// (percent).
struct AssetModel {
  float alpha = 0, beta = 1;
  Array<float, 3> residual{{.27f, .59f, 1.48f}};  // half of the default factor's deviations
};

/// What the factor's returns are made by.
enum class MarketGenerator { Regimes, Brownian, Garch, StudentGarch, Jumps };
constexpr auto enum_names(MarketGenerator) {
  return std::array{"regimes", "brownian", "garch", "garch_t", "jumps"};
}

/// The factor: a generator, and the parameters of each. A bar is calm (0), normal (1) or a crisis (2) by its
/// regime, or with GARCH by its deviation before it is drawn, below .9 of the mean one, below 1.2, above;
/// without either it is normal. Bounds say which may occur; of GARCH's bars those of a crisis alone have at
/// least twice the mean deviation.
struct MarketFactor {
  MarketGenerator generator = MarketGenerator::Regimes;
  RegimeSwitching<3> regimes = three_regimes();
  market::Garch garch{};        ///< Garch and, with its `nu`, StudentGarch
  market::MertonJumps jumps{};  ///< Jumps and, without any, Brownian

  struct State {
    int regime = 1;
    market::Garch::State garch{};
  };

  POLIS_HD bool clusters() const {
    return generator == MarketGenerator::Garch || generator == MarketGenerator::StudentGarch;
  }
  POLIS_HD State start(Random& random, const BarBounds& bounds = {}) const {
    State state;
    if (generator == MarketGenerator::Regimes) {
      state.regime = regimes.start(random, bounds.highest, bounds.lowest);
    }
    if (clusters()) state.garch = garch.begin(random);
    return state;
  }
  /// One bar: its log return in percent, its regime in the state.
  POLIS_HD float advance(State& state, Random& random, const BarBounds& bounds = {}) const {
    float percent = draw(state, random, bounds.highest, bounds.lowest);
    if (bounds.steered) percent += bounds.mean - mean(state);
    if (bounds.shock != 0) percent += bounds.shock;
    return percent;
  }
  /// The mean log return of a bar in this state, in percent.
  POLIS_HD float mean(const State& state) const {
    if (generator == MarketGenerator::Regimes) return regimes.mean[state.regime];
    if (clusters()) return garch.mean;
    return jumps.mean + jumps.intensity * jumps.jump_mean;
  }
  /// The regime of a bar whose GARCH variance this is.
  POLIS_HD int garch_regime(float variance) const {
    const float share = variance / garch.variance();
    return (share > .9f * .9f) + (share > 1.2f * 1.2f);
  }

 private:
  POLIS_HD float draw(State& state, Random& random, int highest, int lowest) const {
    if (generator == MarketGenerator::Regimes) {
      state.regime = regimes.next(state.regime, random, highest, lowest);
      return regimes.draw(state.regime, random);
    }
    if (!clusters()) {
      state.regime = 1;
      market::MertonJumps::State none;
      return jumps.advance(none, random);
    }
    if (highest < 2) {
      const float most = garch.variance() * (highest == 0 ? .9f * .9f : 1.2f * 1.2f);
      state.garch.variance = math::min(state.garch.variance, most);
    }
    if (lowest > 0) {
      const float least = garch.variance() * (lowest == 1 ? .82f : 4.f);
      state.garch.variance = math::max(state.garch.variance, least);
    }
    state.regime = garch_regime(state.garch.variance);
    return garch.advance(state.garch, random);
  }
};

/// A synthetic market of up to `Assets` correlated assets, drawn bar by bar. The market it follows is
/// anything with `factor` (a MarketFactor) and `model(symbol)` (an AssetModel). `symbols[a]` is the
/// symbol that slot a trades, -1 for none; bounds, or the wildest regime, say what may occur.
template <int Assets>
class SyntheticMarket {
 public:
  /// Starts a path and draws the bars that the features look back on.
  POLIS_HD void start(const auto& market, const Array<int, Assets>& symbols, const BarBounds& bounds,
                      Random& random) {
    factor_ = market.factor.start(random, bounds);
    features_ = {};
    log_close_ = {};
    for (int bar = 0; bar <= market_warm_up; ++bar) advance(market, symbols, bounds, random);
  }

  /// One more bar: afterwards `log_return(asset)` is its move.
  POLIS_HD void advance(const auto& market, const Array<int, Assets>& symbols, const BarBounds& bounds,
                        Random& random) {
    const float common = market.factor.advance(factor_, random, bounds);
    for (int a = 0; a < Assets; ++a) {
      if (symbols[a] < 0) continue;
      const AssetModel& asset = market.model(symbols[a]);
      const float noise = asset.residual[factor_.regime] * random.normal();
      log_return_[a] = .01f * (asset.alpha + asset.beta * common + noise);
      log_close_[a] += log_return_[a];
      features_[a].update(math::exp(log_close_[a]), log_close_[a]);
    }
  }

  POLIS_HD int regime() const { return factor_.regime; }
  POLIS_HD float log_return(int asset) const { return log_return_[asset]; }
  POLIS_HD float log_close(int asset) const { return log_close_[asset]; }
  POLIS_HD FeatureVector features(int asset) const { return features_[asset].values(); }

 private:
  MarketFactor::State factor_{};
  Array<float, Assets> log_return_{}, log_close_{};
  Array<MarketFeatures, Assets> features_{};
};

}  // namespace polis
