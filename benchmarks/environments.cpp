// Every built-in environment stepped alone: a batch of lanes on one core, uniformly random legal actions and
// automatic reset included, in steps (of games in turns: moves) per second.
//
//     environments [--json FILE] [PART-OF-A-NAME...]       all by default
//
// `name` is by MultiAgentEnv, an object a lane; `name/tile` by TiledEnv, a register of lanes at once, where
// the environment has step_tile. Every figure is the median of nine repetitions.
//
// What bounds the tiles, by CartPole: a step of a lane is 69 floating-point operations (a multiply-add counts
// as two; sine and cosine 30, three quotients by a constant 15, one division) and moves 57 bytes: five
// numbers of state in and out, an action, reward and end out, a random number in, which serves four steps.
// The share that is printed is that of the multiply-adds' peak. With 512 lanes all of it lies in the first
// two caches, which give more than ten times those bytes; what is left of the time are instructions of no
// floating-point result: the random numbers' integer products, masks, conversions, loads and stores.
#include <algorithm>
#include <chrono>
#include <cstddef>
#include <string>
#include <vector>

#include <polis/polis.hpp>
#include <polis/stats/descriptive.hpp>
#include <polis/train/suites/actions.hpp>

#include "figure.hpp"
#include "peak.hpp"

namespace {

using namespace polis;

constexpr int lane_count = 512, repetitions = 9;
constexpr double seconds = .05;

class Programme {
 public:
  explicit Programme(FigureLog& log) : log_(log) {}

  template <class E>
  void measure(const std::string& name, double flops = 0) {
    if (!wanted(name)) return;
    MultiAgentEnv<E> env(lane_count, 7);
    env.reset();
    std::vector<Actions<E>> actions(lane_count);
    std::vector<Random> streams;  // a lane's numbers one after the other: all four words of every block
    for (std::uint32_t lane = 0; lane < lane_count; ++lane)
      streams.emplace_back(7, 0, lane, 0, Purpose::test);
    rate(name, 0, [&] {
      for (int lane = 0; lane < lane_count; ++lane) {
        const auto at = static_cast<std::size_t>(lane);
        for (int agent = 0; agent < agent_count<E>; ++agent) {
          if (env.deciding(lane, agent)) set_random_action(env, lane, agent, streams[at], actions[at]);
        }
        env.advance(lane, actions[at]);
        if (env.over(lane)) env.renew(lane, env.default_tasks());
      }
    });
    if constexpr (StepsInTiles<E>) {
      TiledEnv<E> tiles(lane_count, 7);
      tiles.reset();
      rate(name + "/tile", flops, [&] { tiles.step_at_random(); });
    }
  }

 private:
  [[nodiscard]] bool wanted(const std::string& name) const {
    const auto& parts = log_.rest();
    return parts.empty() || std::any_of(parts.begin(), parts.end(), [&](const std::string& part) {
             return name.find(part) != std::string::npos;
           });
  }

  /// `step` steps all lanes once.
  template <class Step>
  void rate(const std::string& name, double flops, const Step& step) {
    using Clock = std::chrono::steady_clock;
    const auto since = [](Clock::time_point start) {
      return std::chrono::duration<double>(Clock::now() - start).count();
    };
    int steps = 0;  // that fill a repetition; the first ones warm up
    for (const auto start = Clock::now(); since(start) < seconds; ++steps) step();
    std::vector<double> rates, peaks;
    for (int i = 0; i < repetitions; ++i) {
      if (flops > 0) peaks.push_back(measure_fma_peak(10));
      const auto start = Clock::now();
      for (int t = 0; t < steps; ++t) step();
      rates.push_back(static_cast<double>(steps) * lane_count / since(start));
    }
    Figure figure{.name = name,
                  .value = stats::median(rates),
                  .unit = "steps/s",
                  .sizes = std::to_string(lane_count) + " lanes, random actions"};
    if (flops > 0) {
      figure.peak_gflops = stats::median(peaks);
      figure.share_of_peak = figure.value * flops * 1e-9 / figure.peak_gflops;
    }
    log_.add(figure);
  }

  FigureLog& log_;
};

}  // namespace

int main(int argc, char** argv) {
  FigureLog log(argc, argv);
  Programme run(log);
  run.measure<CartPole>("cart_pole", 69);
  run.measure<Pendulum>("pendulum");
  run.measure<Acrobot>("acrobot");
  run.measure<MountainCar>("mountain_car");
  run.measure<MountainCarContinuous>("mountain_car_continuous");
  run.measure<TMaze<>>("t_maze");

  run.measure<KuhnPoker>("kuhn_poker");
  run.measure<LeducPoker>("leduc_poker");
  run.measure<ClimbingGame>("climbing_game");
  run.measure<PrisonersDilemma<5>>("prisoners_dilemma_5");
  run.measure<CueGame>("cue_game");
  run.measure<TwoStepGame>("two_step_game");
  run.measure<Congestion<>>("congestion_100_agents");
  run.measure<Cournot<3, 2>>("cournot_3_firms");
  run.measure<Blackjack>("blackjack");
  run.measure<TimeLimit<FrozenLake, 100>>("frozen_lake");
  run.measure<LevelBasedForaging<>>("level_based_foraging");

  run.measure<SimpleSpread<particle::Original>>("simple_spread");
  run.measure<SimpleSpeakerListener<particle::Original>>("simple_speaker_listener");
  run.measure<SimpleTag<particle::Original>>("simple_tag");

  run.measure<Newsvendor>("newsvendor");
  run.measure<BackloggedInventory>("backlogged_inventory");
  run.measure<FixedCostInventory>("fixed_cost_inventory");
  run.measure<LostSales<2>>("lost_sales");
  run.measure<BeerGame>("beer_game");
  run.measure<InvManagementV1>("inv_management");
  run.measure<SerialNetwork<1, 2>>("serial_network");
  run.measure<DistributionNetwork<>>("distribution_network");
  run.measure<AssemblyNetwork<>>("assembly_network");
  run.measure<RetailNetwork>("retail_network");

  run.measure<Bargaining>("bargaining");
  run.measure<MultiIssueBargaining>("multi_issue_bargaining");
  run.measure<BargainingAgainst<>>("bargaining_against");
  run.measure<Legislature<>>("legislature");
  run.measure<ResourceTrading>("resource_trading");
  run.measure<DoubleAuction>("double_auction");

  run.measure<AlphaFairSharing<>>("alpha_fair_sharing");
  run.measure<TwoClassQueue<>>("two_class_queue");
  run.measure<ResourceAllocation>("resource_allocation");

  run.measure<Trading>("trading");
  run.measure<Liquidation<1>>("liquidation");
  run.measure<KyleMarket<2>>("kyle_market");
  run.measure<MarketMaking>("market_making");
  run.measure<QuadraticPortfolio>("quadratic_portfolio");
  run.measure<MertonAllocation>("merton_allocation");
  run.measure<MeanReversion>("mean_reversion");
}
