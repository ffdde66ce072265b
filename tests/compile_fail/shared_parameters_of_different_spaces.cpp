// expect: SharedParametersHaveEqualSpaces
#include <polis/polis.hpp>

using namespace polis;

struct Buyer {};
struct Seller {};

struct Bazaar {
  using Roles = polis::Roles<Role<Buyer, 2, Box<3>, Discrete<2>>, Role<Seller, 1, Discrete<4>, Box<1>>>;
  static constexpr RewardStructure rewards = RewardStructure::general_sum;
  void reset(auto&) {}
  void step(const auto&, auto& ctx) { ctx.terminate(); }
  void observe(int, Row out) const { out[0] = 0; }
};

using Mine = PPO::With<Gru<128>, SharedParameters>;

int main() {
  Trainer<Mine, MultiAgentEnv<Bazaar>> trainer;
  trainer.train(1000);
}
