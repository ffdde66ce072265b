// Trading with a leak, for a learning test: the observation ends with each slot's return that the next order
// will earn first. What learns from honest observations slowly or not at all must learn this at once; and a
// pipeline in which nothing changes with the leak is broken somewhere else.
#pragma once

#include <polis/envs/market/trading.hpp>

namespace polis_test {

template <polis::TradingSpec Spec>
struct LeakingTrading : polis::BasicTrading<Spec> {
  using Base = polis::BasicTrading<Spec>;
  using Observation = polis::Box<Base::Observation::words + Base::assets>;
  using State = polis::Box<Base::State::words>;

  POLIS_HD void observe(int agent, polis::Row out, const auto& view) const {
    const polis::View<Base> base(view.config(), view.task(), view.data());
    Base::observe(agent, out, base);
    for (int a = 0; a < Base::assets; ++a) out[Base::Observation::words + a] = leak(a, view.data());
  }

 private:
  /// In percent. Orders fill on the next day: at its open, and first earn its way to the close; or, in data
  /// without opens, at its close, and first earn the day after.
  POLIS_HD float leak(int slot, const polis::MarketData& data) const {
    if (this->symbol(slot) < 0 || data.symbols == 0) return 0;
    const auto at = [&](const float* column, int day) {
      return day < data.end_day ? column[data.index(day, this->symbol(slot))] : 1.f;
    };
    const float with_open = at(data.to_close, this->day() + 1);
    return 100 * ((with_open == 1 ? at(data.to_fill, this->day() + 2) : with_open) - 1);
  }
};

}  // namespace polis_test
