// Every way that chance may go: an environment's own `reset` and `step` run once for each.
//
// An environment draws what is random by `ctx.random.integer(n)`, n equally likely cases. Handed a context
// whose "random" numbers are all of them in turn, the same code yields the exact distribution of what follows
// from a state: no second description of the game is needed, and none can differ from what is played. It
// takes an environment that draws by `integer` alone, and whose functions take `auto& ctx`.
#pragma once

#include <polis/core/array.hpp>
#include <polis/core/error.hpp>
#include <polis/env/end.hpp>
#include <polis/env/environment.hpp>

namespace polis {

/// A path through the draws of one call. `integer` follows it, and goes on with case 0 where it is new.
class EnumeratedChance {
 public:
  static constexpr int most_draws = 64;

  /// One of n cases. Error: a call with more draws than `most_draws`.
  int integer(int n) {
    if (drawn_ == known_) {
      if (known_ == most_draws) throw Error("more draws", "EnumeratedChance", "at most 64 in a call");
      taken_[known_] = 0;
      cases_[known_++] = n;
    }
    probability_ /= n;
    return taken_[drawn_++];
  }

  /// Of the path followed since the last `next`.
  [[nodiscard]] double probability() const { return probability_; }

  /// Turns to the next path; false after the last.
  bool next() {
    while (known_ > 0 && ++taken_[known_ - 1] == cases_[known_ - 1]) --known_;
    drawn_ = 0;
    probability_ = 1;
    return known_ > 0;
  }

 private:
  Array<int, most_draws> taken_{}, cases_{};
  int drawn_ = 0, known_ = 0;
  double probability_ = 1;
};

/// A Context in which chance is enumerated, for one call of `reset` or `step`.
template <class E>
class EnumeratingContext : public View<E> {
 public:
  EnumeratingContext(const View<E>& view, EnumeratedChance& chance) : View<E>(view), random(chance) {}

  EnumeratedChance& random;
  Array<float, agent_count<E>> rewards{};

  float& reward(int agent) { return rewards[agent]; }
  void reward_all(float value) {
    for (float& reward : rewards) reward = value;
  }
  void terminate() { episode_ = End::terminated; }
  void truncate() {
    if (episode_ == End::none) episode_ = End::truncated;
  }
  [[nodiscard]] End episode() const { return episode_; }

 private:
  End episode_ = End::none;
};

/// Calls visit(env, probability) for every first state there may be; the probabilities sum to one.
template <class E, class Visit>
void for_each_reset(const View<E>& view, Visit&& visit) {
  EnumeratedChance chance;
  do {
    E env{};
    EnumeratingContext<E> ctx(view, chance);
    env.reset(ctx);
    visit(env, chance.probability());
  } while (chance.next());
}

/// Calls visit(next, context, probability) for everything that may come of these actions in `env`; the
/// context tells rewards and end.
template <class E, class Visit>
void for_each_step(const E& env, const Actions<E>& actions, const View<E>& view, Visit&& visit) {
  EnumeratedChance chance;
  do {
    E next = env;
    EnumeratingContext<E> ctx(view, chance);
    next.step(actions, ctx);
    visit(next, ctx, chance.probability());
  } while (chance.next());
}

}  // namespace polis
