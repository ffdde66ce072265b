// expect: PolicyCanBeExported
#include <polis/deploy/header.hpp>
#include <polis/polis.hpp>

using namespace polis;

int main() {
  Trainer<PPO::With<OpponentModel<32>>, MultiAgentEnv<CueGame>> trainer;
  export_header(trainer, "policy.hpp");
}
