// expect: clpi
#include <polis/polis.hpp>

using namespace polis;

int main() {
  const PPO::Config config{.objective = {.clpi = .1f}, .epochs = 10};
  return config.epochs;
}
