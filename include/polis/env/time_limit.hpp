// TimeLimit<E, Steps>: the environment E, cut off after `Steps` steps.
//
// The cut is a truncation, not a termination: an estimator goes on valuing what lay behind it.
#pragma once

#include <type_traits>

#include <polis/core/platform.hpp>
#include <polis/env/environment.hpp>
#include <polis/env/wrapper.hpp>

namespace polis {

template <Environment E, int Steps>
class TimeLimit;

template <class E, int Steps>
struct InsideOf<TimeLimit<E, Steps>> {
  using type = E;
};

template <class E, int Steps>
struct Actions<TimeLimit<E, Steps>> : Actions<E> {};

/// E, truncated after `Steps` steps unless it ended before.
template <Environment E, int Steps>
class TimeLimit : public Wrapper<E> {
  static_assert(Steps > 0, "a time limit is at least one step");

 public:
  POLIS_HD void reset(Context<TimeLimit>& ctx) {
    steps_ = 0;
    this->env_.reset(static_cast<Context<E>&>(ctx));
  }

  POLIS_HD void step(const Actions<TimeLimit>& actions, Context<TimeLimit>& ctx) {
    this->env_.step(static_cast<const Actions<E>&>(actions), static_cast<Context<E>&>(ctx));
    if (++steps_ >= Steps) ctx.truncate();
  }

  void archive(auto& a)
    requires(!std::is_trivially_copyable_v<E>)
  {
    a(this->env_, steps_);
  }

 private:
  int steps_ = 0;
};

}  // namespace polis
