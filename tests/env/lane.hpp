// One lane of an environment, driven by hand: what tests of environments step.
#pragma once

#include <cstdint>

#include <polis/core/array.hpp>
#include <polis/env/environment.hpp>

namespace polis_test {

/// The environment with all that a Context refers to. `reset` and `step` leave rewards, ends and episode
/// behind.
template <polis::Environment E>
struct Lane {
  E env{};
  polis::ConfigOf<E> config{};
  polis::TaskOf<E> task{};
  polis::DatasetOf<E> data{};
  polis::Array<float, polis::agent_count<E>> rewards{};
  polis::Array<polis::End, polis::agent_count<E>> ends{};
  polis::End episode = polis::End::none;
  std::uint32_t number = 0, time = 0;

  polis::View<E> view() const { return polis::View<E>(config, task, data); }

  void reset() {
    auto ctx = context(polis::Purpose::reset);
    env.reset(ctx);
  }

  void step(const polis::Actions<E>& actions) {
    rewards = {};
    ends = {};
    auto ctx = context(polis::Purpose::environment);
    env.step(actions, ctx);
    episode = ctx.episode();
  }

 private:
  polis::Context<E> context(polis::Purpose purpose) {
    return polis::Context<E>(view(), polis::Random(7, time++, number, 0, purpose), rewards.data(),
                             ends.data());
  }
};

}  // namespace polis_test
