// expect: PolicyCanBeExported
#include <polis/deploy/header.hpp>
#include <polis/polis.hpp>

using namespace polis;

/// An activation that no export knows.
struct Cube {
  using word = word::Activation;
  static constexpr bool keeps_input = true;
  template <class T>
  T operator()(T x) const {
    return x * x * x;
  }
  template <class T>
  static T derivative(T x) {
    return T(3) * x * x;
  }
};

int main() {
  Trainer<PPO::With<Cube>, MultiAgentEnv<CartPole>> trainer;
  export_header(trainer, "policy.hpp");
}
