// The environments that kernels step.
#pragma once

#include <polis/polis.hpp>

namespace test_cuda {

using namespace polis;

template <class... T>
struct Types {};
template <class List, class... More>
struct Append;
template <class... T, class... More>
struct Append<Types<T...>, More...> {
  using type = Types<T..., More...>;
};
template <class List, class... More>
using With = typename Append<List, More...>::type;

/// Every built-in environment that a kernel can step: name a new one here.
using Environments =
    Types<CartPole, Pendulum, NormalizedPendulum, Acrobot, MountainCar, MountainCarContinuous, TMaze<>,
          Trading, CoordinationGame, ClimbingGame, PenaltyGame<-25>, RockPaperScissors, MatchingPennies,
          PrisonersDilemma<5>, CueGame, TwoStepGame, Congestion<>, Cournot<3, 2>, Blackjack, FrozenLake,
          KuhnPoker, LeducPoker, SimpleSpread<particle::Original>, SimpleSpread<particle::Revised>,
          SimpleSpeakerListener<particle::Original>, SimpleSpeakerListener<particle::Revised>,
          SimpleTag<particle::Original>, SimpleTag<particle::Revised>, LevelBasedForaging<>,
          LevelBasedForaging<Foraging8x8Near>, Newsvendor, BackloggedInventory, FixedCostInventory,
          LostSales<2>, BeerGame, WholeBeerGame, InvManagementV0, InvManagementV1, SerialNetwork<1, 2>,
          DistributionNetwork<>, AssemblyNetwork<>, RetailNetwork, Bargaining, MultiIssueBargaining,
          BargainingAgainst<>, AlphaFairSharing<>, TwoClassQueue<>, TwoClassQueue<3>, ResourceAllocation,
          Legislature<>, ResourceTrading, Liquidation<1>, Liquidation<2>, KyleMarket<2>, MarketMaking,
          QuadraticPortfolio, MertonAllocation, MeanReversion, DoubleAuction>;

}  // namespace test_cuda
