// Market making: quotes on both sides of a mid price, and the risk of what is bought and sold by them (M.
// Avellaneda and S. Stoikov, "High-frequency trading in a limit order book", 2008).
//
// Order of events in a step of length dt, of which there are `steps`:
//   1. the maker sees its inventory q and the time that is left, and says how far from the mid price it bids
//      and asks;
//   2. each side fills one unit with probability fill_rate e^(-decay distance) dt (at most 1), whatever the
//      other does: a bid at distance d buys at d below the mid price, an ask sells at d above;
//   3. the mid price moves up or down by sigma sqrt(dt), each with probability 1/2;
//   4. the maker is paid the distances at which it filled, less risk/2 sigma^2 dt q^2 for the inventory that
//      it held through the move. The move itself, which gains nothing on average, is in the metrics and not
//      in rewards.
// What is left at the end is worth the mid price. The sum of rewards is on average the profit less risk/2
// times the variance that inventories gave it: a profit of 64.89 with a deviation of 6.54 counts 64.50.
#pragma once

#include <cstddef>
#include <vector>

#include <polis/core/array.hpp>
#include <polis/core/math.hpp>
#include <polis/core/platform.hpp>
#include <polis/core/random.hpp>
#include <polis/core/tile.hpp>
#include <polis/env/environment.hpp>
#include <polis/space/space.hpp>

namespace polis {

/// How far from the mid price the maker bids and asks, in units of 1/decay: 1 is best for who minds no risk.
/// Two distances rather than a spread and a skew, since each fills its own side and nothing else: what is
/// tried on one does not blur what is learnt of the other.
struct QuoteDistances : Box<2> {
  static constexpr float low = -1, high = 3;
};

/// Prices are in dollars, time in units of the horizon's. The defaults are the paper's.
struct MarketMakingConfig {
  float deviation = 2;                  ///< sigma, of the mid price in a unit of time
  float fill_rate = 140, decay = 1.5f;  ///< A and k: fills in a unit of time at the mid price; a dollar
  float risk = .1f;                     ///< gamma, a dollar
  float horizon = 1;
  int steps = 200;
  static constexpr void fields(auto& self, auto&& visit) {
    visit("deviation", self.deviation);
    visit("fill_rate", self.fill_rate);
    visit("decay", self.decay);
    visit("risk", self.risk);
    visit("horizon", self.horizon);
    visit("steps", self.steps);
  }
  [[nodiscard]] POLIS_HD double dt() const { return static_cast<double>(horizon) / steps; }
  /// Avellaneda and Stoikov's spread after `done` steps, in dollars: gamma sigma^2 (T - t) + 2/gamma ln(1 +
  /// gamma/k), of which the last is 2/k without risk.
  [[nodiscard]] POLIS_HD double spread(int done) const {
    const auto gamma = static_cast<double>(risk), k = static_cast<double>(decay);
    const double fixed = gamma > 1e-9 ? 2 / gamma * math::log(1 + gamma / k) : 2 / k;
    return variance_left(done) * gamma + fixed;
  }
  /// How far below the mid price a unit is worth to who holds `inventory`: q gamma sigma^2 (T - t).
  [[nodiscard]] POLIS_HD double reservation_discount(int inventory, int done) const {
    return inventory * static_cast<double>(risk) * variance_left(done);
  }
  [[nodiscard]] POLIS_HD double variance_left(int done) const {
    const auto sigma = static_cast<double>(deviation);
    return sigma * sigma * (static_cast<double>(horizon) - done * dt());
  }
  /// The probability that a quote at this distance, in units of 1/decay, fills in a step.
  [[nodiscard]] POLIS_HD double fill_probability(double distance) const {
    return math::min(1., static_cast<double>(fill_rate) * dt() * math::exp(-distance));
  }
  /// What holding `inventory` through a step counts, in dollars.
  [[nodiscard]] POLIS_HD double inventory_cost(int inventory) const {
    const auto sigma = static_cast<double>(deviation);
    return static_cast<double>(risk) / 2 * sigma * sigma * dt() * inventory * inventory;
  }
};

/// The distances of a quoted bid and ask, in units of 1/decay.
struct Quotes {
  double bid, ask;
};

/// What quotes that depend on time and inventory alone earn, exactly: the mean and deviation of the profit,
/// the deviation of the final inventory, and the mean sum of rewards.
struct MakingFigures {
  double profit, deviation, inventory_deviation, value;
};

/// `quote(done, inventory)` are the Quotes after `done` steps. The moments of the profit are carried forward
/// over all inventories that can be reached: no simulation.
MakingFigures exact_making(const MarketMakingConfig& config, const auto& quote) {
  const int most = config.steps;
  const auto at = [most](int inventory) { return static_cast<std::size_t>(inventory + most); };
  struct Moments {
    double probability = 0, profit = 0, square = 0;  // the latter times the probability
  };
  std::vector<Moments> now(at(most) + 1), next(now.size());
  now[at(0)].probability = 1;
  double costs = 0;
  for (int done = 0; done < config.steps; ++done) {
    for (Moments& moments : next) moments = {};
    for (int q = -done; q <= done; ++q) {
      const Moments& from = now[at(q)];
      const Quotes quotes = quote(done, q);
      const double bid = config.fill_probability(quotes.bid), ask = config.fill_probability(quotes.ask);
      for (int bought = 0; bought < 2; ++bought) {
        for (int sold = 0; sold < 2; ++sold) {
          const double p = (bought ? bid : 1 - bid) * (sold ? ask : 1 - ask);
          const double gain = (bought * quotes.bid + sold * quotes.ask) / static_cast<double>(config.decay);
          Moments& to = next[at(q + bought - sold)];
          to.probability += p * from.probability;
          to.profit += p * (from.profit + gain * from.probability);
          to.square += p * (from.square + 2 * gain * from.profit + gain * gain * from.probability);
        }
      }
    }
    const auto sigma = static_cast<double>(config.deviation);
    for (int q = -done - 1; q <= done + 1; ++q) {
      Moments& moments = next[at(q)];
      moments.square += q * q * sigma * sigma * config.dt() * moments.probability;
      costs += config.inventory_cost(q) * moments.probability;
    }
    now.swap(next);
  }
  double profit = 0, square = 0, inventory = 0;
  for (int q = -most; q <= most; ++q) {
    profit += now[at(q)].profit;
    square += now[at(q)].square;
    inventory += q * q * now[at(q)].probability;
  }
  return {profit, math::sqrt(square - profit * profit), math::sqrt(inventory), profit - costs};
}

/// The best quotes at every time and inventory that can be reached, and what they earn on average: dynamic
/// programming, backwards from the end.
class BestMaking {
 public:
  explicit BestMaking(const MarketMakingConfig& config)
      : steps_(config.steps),
        width_(2 * static_cast<std::size_t>(config.steps) + 1),
        quotes_(static_cast<std::size_t>(config.steps) * width_) {
    const int steps = steps_;
    std::vector<double> value(width_ + 2), held(width_ + 2);  // in units of 1/decay, a margin on each side
    for (int done = steps - 1; done >= 0; --done) {
      const auto at = [steps](int inventory) { return static_cast<std::size_t>(inventory + steps + 1); };
      for (int q = -done - 1; q <= done + 1; ++q) {
        held[at(q)] = value[at(q)] - config.inventory_cost(q) * static_cast<double>(config.decay);
      }
      for (int q = -done; q <= done; ++q) {
        const double up = held[at(q + 1)] - held[at(q)], down = held[at(q - 1)] - held[at(q)];
        const Quotes best = quotes_[index(done, q)] = best_quotes(config, up, down);
        const double bid = config.fill_probability(best.bid), ask = config.fill_probability(best.ask);
        value[at(q)] =
            held[at(q)] + bid * best.bid + ask * best.ask + bid * (1 - ask) * up + ask * (1 - bid) * down;
      }
    }
    value_ = value[static_cast<std::size_t>(steps) + 1] / static_cast<double>(config.decay);
  }

  [[nodiscard]] Quotes operator()(int done, int inventory) const { return quotes_[index(done, inventory)]; }
  [[nodiscard]] double value() const { return value_; }  ///< of an episode

 private:
  [[nodiscard]] std::size_t index(int done, int inventory) const {
    return static_cast<std::size_t>(done) * width_ + static_cast<std::size_t>(inventory + steps_);
  }

  /// The quotes that are worth most where a unit more changes the value by `up` and a unit less by `down`. p
  /// (d + g) with p = c e^-d is largest at d = 1 - g; g depends on whether the other side fills as well, so
  /// each is found for the other until neither moves. Nearer than where a fill is certain only loses.
  static Quotes best_quotes(const MarketMakingConfig& config, double up, double down) {
    const double certain = math::log(static_cast<double>(config.fill_rate) * config.dt());
    const double low = math::max(static_cast<double>(QuoteDistances::low), certain);
    const double high = math::max(static_cast<double>(QuoteDistances::high), low);
    Quotes quotes{1, 1};
    for (int round = 0; round < 100; ++round) {
      const double ask = config.fill_probability(quotes.ask);
      const double next_bid = math::clamp(1 - (1 - ask) * up + ask * down, low, high);
      const double bid = config.fill_probability(next_bid);
      const double next_ask = math::clamp(1 - (1 - bid) * down + bid * up, low, high);
      const double moved = math::abs(next_bid - quotes.bid) + math::abs(next_ask - quotes.ask);
      quotes = {next_bid, next_ask};
      if (moved < 1e-12) break;
    }
    return quotes;
  }

  int steps_;
  std::size_t width_;
  std::vector<Quotes> quotes_;
  double value_ = 0;
};

/// One maker, who sees its inventory (a fifth of the units) and the part of time that is left.
struct MarketMaking {
  static constexpr int agents = 1;
  static constexpr RewardStructure rewards = RewardStructure::shared;
  using Observation = Box<2>;
  using Action = QuoteDistances;
  using Config = MarketMakingConfig;

  int inventory = 0, step_count = 0, fills = 0;
  float time_left = 1;
  double profit = 0;   ///< with inventory at the mid price, in dollars
  double spreads = 0;  // summed over steps, in dollars

  POLIS_HD void reset(auto&) { *this = {}; }

  POLIS_HD void step(const auto& actions, auto& ctx) {
    const Config& config = ctx.config();
    const float bid = actions[0][0], ask = actions[0][1];
    const auto each = static_cast<float>(static_cast<double>(config.fill_rate) * config.dt());
    const bool bought = ctx.random.uniform() < each * math::exp(-bid);
    const bool sold = ctx.random.uniform() < each * math::exp(-ask);
    const float gain = ((bought ? bid : 0.f) + (sold ? ask : 0.f)) / config.decay;
    inventory += (bought ? 1 : 0) - (sold ? 1 : 0);
    fills += (bought ? 1 : 0) + (sold ? 1 : 0);
    ctx.reward(0) = static_cast<float>(static_cast<double>(gain) - config.inventory_cost(inventory));

    const double size = static_cast<double>(config.deviation) * math::sqrt(config.dt());
    profit += static_cast<double>(gain) + inventory * (ctx.random.uniform() < .5f ? size : -size);
    spreads += static_cast<double>((bid + ask) / config.decay);
    ++step_count;
    time_left = 1 - static_cast<float>(step_count) / static_cast<float>(config.steps);
    if (step_count >= config.steps) ctx.terminate();
  }

  POLIS_HD void observe(int /*agent*/, Row out) const {
    out[0] = static_cast<float>(inventory) / 5;
    out[1] = time_left;
  }

  /// The profit with what the moves of the mid price gave, the final inventory without its sign, the spread
  /// on average over time, and the units that were traded.
  void metrics(auto&& visit) const {
    visit("profit", profit);
    visit("inventory", inventory < 0 ? -inventory : inventory);
    visit("spread", spreads / (step_count > 0 ? step_count : 1));
    visit("fills", fills);
  }

  // ---- What is known.

  /// Avellaneda and Stoikov's spread, around their reservation price or around the mid price.
  struct Formula {
    bool around_reservation;
    [[nodiscard]] POLIS_HD Quotes quotes(const Config& config, int done, int held) const {
      const auto k = static_cast<double>(config.decay);
      const double half = config.spread(done) / 2;
      const double below = around_reservation ? config.reservation_discount(held, done) : 0.;
      return {(half + below) * k, (half - below) * k};
    }
    POLIS_HD Actions<MarketMaking> operator()(const MarketMaking& env, const View<MarketMaking>& view,
                                              Random&) const {
      return as_actions(quotes(view.config(), env.step_count, env.inventory));
    }
  };

  /// `optimal`, by dynamic programming; `avellaneda_stoikov`, quotes around the reservation price, which they
  /// derive for who holds its inventory to the end: it shuns inventory more than is optimal; `symmetric`, the
  /// same spread around the mid price.
  static void references(const View<MarketMaking>& view, auto&& visit) {
    visit("optimal",
          [best = BestMaking(view.config())](const MarketMaking& env, const View<MarketMaking>&, Random&) {
            return as_actions(best(env.step_count, env.inventory));
          });
    visit("avellaneda_stoikov", Formula{true});
    visit("symmetric", Formula{false});
  }

  static OptimalValue optimal_value(const View<MarketMaking>& view) {
    return {BestMaking(view.config()).value()};
  }

 private:
  POLIS_HD static Actions<MarketMaking> as_actions(const Quotes& quotes) {
    constexpr double low = static_cast<double>(Action::low), high = static_cast<double>(Action::high);
    Actions<MarketMaking> actions{};
    actions[0][0] = static_cast<float>(math::clamp(quotes.bid, low, high));
    actions[0][1] = static_cast<float>(math::clamp(quotes.ask, low, high));
    return actions;
  }
};

}  // namespace polis
