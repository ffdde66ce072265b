// None, Staged and Adaptive: what moves the stage and what does not.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <string>
#include <vector>

#include <polis/curriculum/adaptive.hpp>
#include <polis/curriculum/none.hpp>
#include <polis/curriculum/staged.hpp>

namespace test_curriculum {

using polis::Adaptive;
using polis::CurriculumEpisode;
using polis::Random;
using polis::Staged;

static_assert(polis::fields_complete<Adaptive::Config>() && polis::fields_complete<Staged::Config>() &&
              polis::fields_complete<polis::None::Config>());

Random stream(unsigned lane) { return {11, 0, lane, 0, polis::Purpose::test}; }

/// A window in which `successes` of 50 episodes at the stage reached succeed, with returns that are level.
void window(auto& state, int successes) {
  for (int i = 0; i < 50; ++i) {
    state.episode({.return_ = 1, .length = 1, .success = i < successes ? 1.f : 0.f, .stage = state.stage()});
  }
}

/// Windows that fill a cooldown of 100 episodes.
void settle(auto& state) {
  window(state, 0);
  window(state, 50);
}

CurriculumEpisode episode(const Adaptive::State& state, float success, float return_ = 1) {
  return {.return_ = return_, .length = 1, .success = success, .stage = state.stage()};
}

/// P(at least `least` successes in n).
double binomial_tail(int n, int least, double p) {
  double sum = 0;
  for (int k = least; k <= n; ++k) {
    sum += std::exp(std::lgamma(n + 1.) - std::lgamma(k + 1.) - std::lgamma(n - k + 1.) + k * std::log(p) +
                    (n - k) * std::log(1 - p));
  }
  return sum;
}

/// P(two passes in a row within n windows), each passed with probability p.
double two_in_a_row(int n, double p) {
  double none = 1, one = 0;  // not done yet, by the passes at the end
  for (int i = 0; i < n; ++i) {
    const double next_one = none * p;
    none = (none + one) * (1 - p);
    one = next_one;
  }
  return 1 - none - one;
}

bool within(double measured, double expected, int trials, double standard_errors = 3) {
  return std::abs(measured - expected) < standard_errors * std::sqrt(expected * (1 - expected) / trials);
}

std::map<std::string, double> metrics(const auto& state) {
  std::map<std::string, double> values;
  state.metrics([&](const char* name, double value) { values[name] = value; });
  return values;
}

std::string error_of(auto&& action) {
  try {
    action();
  } catch (const polis::Error& error) {
    return error.what();
  }
  return "no error";
}

}  // namespace test_curriculum

using namespace test_curriculum;

TEST_CASE("curriculum/adaptive: one window passes by luck as often as the binomial law says") {
  const int trials = 20'000;
  const std::map<double, double> known = {{.6, .0022}, {.7, .079}, {.9, .9906}};
  for (const auto& [success, chance] : known) {
    const double exact = binomial_tail(50, 40, success);
    CHECK(exact == doctest::Approx(chance).epsilon(.02));
    int passed = 0;
    for (int trial = 0; trial < trials; ++trial) {
      Adaptive::State state({.advance_windows = 1, .cooldown = 0}, 2);
      Random random = stream(static_cast<unsigned>(trial));
      for (int i = 0; i < 50; ++i) state.episode(episode(state, random.uniform() < success ? 1.f : 0.f));
      passed += state.stage();
    }
    CHECK(within(static_cast<double>(passed) / trials, exact, trials));
  }
}

TEST_CASE("curriculum/adaptive: two disjoint windows at .7 pass within 1000 episodes with probability .11") {
  const int trials = 3000;
  const double exact = two_in_a_row(20, binomial_tail(50, 40, .7));
  CHECK(exact == doctest::Approx(.11).epsilon(.05));
  int passed = 0;
  for (int trial = 0; trial < trials; ++trial) {
    Adaptive::State state({}, 2);
    Random random = stream(static_cast<unsigned>(trial));
    for (int i = 0; i < 1000 && state.stage() == 0; ++i) {
      state.episode(episode(state, random.uniform() < .7f ? 1.f : 0.f));
    }
    passed += state.stage();
  }
  CHECK(within(static_cast<double>(passed) / trials, exact, trials));
}

TEST_CASE("curriculum/adaptive: between the thresholds nothing changes") {
  Adaptive::State state({}, 3);
  window(state, 40);
  window(state, 40);
  REQUIRE(state.stage() == 1);
  settle(state);
  for (int i = 0; i < 20; ++i) window(state, i % 2 ? 16 : 39);
  CHECK(state.stage() == 1);
  for (int i = 0; i < 20; ++i) window(state, i % 2 ? 20 : 50);  // never two in a row
  CHECK(state.stage() == 1);
  for (int i = 0; i < 20; ++i) window(state, i % 3 ? 15 : 20);  // never three in a row
  CHECK(state.stage() == 1);
}

TEST_CASE("curriculum/adaptive: after a change the cooldown's episodes fill no window") {
  Adaptive::State state({}, 3);
  window(state, 50);
  window(state, 50);
  REQUIRE(state.stage() == 1);
  for (int i = 0; i < 100 + 99; ++i) state.episode(episode(state, 1));
  CHECK(state.stage() == 1);
  state.episode(episode(state, 1));
  CHECK(state.stage() == 2);
}

TEST_CASE("curriculum/adaptive: it goes back when agents fail, recovers, and stays within its stages") {
  Adaptive::State state({}, 2);
  for (int i = 0; i < 10; ++i) window(state, 0);
  CHECK(state.stage() == 0);
  window(state, 45);
  window(state, 45);
  CHECK(state.stage() == 1);
  CHECK(state.progress() == 1);
  settle(state);
  window(state, 15);
  window(state, 15);
  CHECK(state.stage() == 1);
  window(state, 15);
  CHECK(state.stage() == 0);
  CHECK(state.progress() == 0);
  settle(state);
  for (int i = 0; i < 10; ++i) window(state, 50);
  CHECK(state.stage() == 1);
  const auto values = metrics(state);
  CHECK(values.at("advances") == 2);
  CHECK(values.at("regressions") == 1);
  CHECK(values.at("success") == 1);
  CHECK(values.at("stage") == 1);
}

TEST_CASE("curriculum/adaptive: while returns still rise it does not advance") {
  const auto run = [](float slope, float noise) {
    Adaptive::State state({.advance_windows = 1}, 2);
    for (int i = 0; i < 50; ++i) {
      const float wave = std::min(i, 49 - i) % 2 ? noise : -noise;  // symmetric: without a slope
      state.episode(episode(state, 1, slope * static_cast<float>(i) + wave));
    }
    return state.stage();
  };
  CHECK(run(0, 0) == 1);
  CHECK(run(0, 1) == 1);
  CHECK(run(1, 0) == 0);  // a line moves by sqrt(12) of its own deviations
  CHECK(run(-1, 0) == 0);
  // slope x W = 50 s against sqrt(noise^2 + (s W)^2 / 12): equal at s = .021 noise.
  CHECK(run(.019f, 1) == 1);
  CHECK(run(.024f, 1) == 0);
}

TEST_CASE("curriculum/adaptive: replays and episodes begun before a change do not count") {
  Adaptive::State state({.cooldown = 0}, 3);
  for (int i = 0; i < 500; ++i) state.episode({.success = 1, .stage = 0, .replayed = true});
  CHECK(state.stage() == 0);
  window(state, 50);
  window(state, 50);
  REQUIRE(state.stage() == 1);
  for (int i = 0; i < 500; ++i) state.episode({.success = 1, .stage = 0});
  CHECK(state.stage() == 1);
}

TEST_CASE("curriculum/adaptive: a fifth of the episodes replays an easier stage, each alike") {
  Adaptive::State state({.cooldown = 0}, 5);
  Random random = stream(0);
  CHECK(state.sample(random).stage == 0);
  for (int i = 0; i < 6; ++i) window(state, 50);
  REQUIRE(state.stage() == 3);
  const int trials = 30'000;
  std::vector<int> counts(5);
  for (int i = 0; i < trials; ++i) ++counts[static_cast<std::size_t>(state.sample(random).stage)];
  CHECK(counts[4] == 0);
  CHECK(within(counts[3] / static_cast<double>(trials), .8, trials));
  for (std::size_t easier = 0; easier < 3; ++easier) {
    CHECK(within(counts[easier] / static_cast<double>(trials), .2 / 3, trials));
  }
  Adaptive::State none({.cooldown = 0, .replay = 0}, 2);
  window(none, 50);
  window(none, 50);
  for (int i = 0; i < 1000; ++i) CHECK(none.sample(random).stage == 1);
}

TEST_CASE("curriculum/adaptive: the environment's thresholds hold unless the user set their own") {
  const polis::CurriculumThresholds trading = {.advance_at = .65f, .regress_at = .45f};
  const auto stage_after = [&](Adaptive::Config config, int successes) {
    config.advance_windows = 1;
    Adaptive::State state(config, 2, trading);
    window(state, successes);
    return state.stage();
  };
  CHECK(stage_after({}, 33) == 1);
  CHECK(stage_after({}, 32) == 0);
  CHECK(stage_after({.advance_at = .8f}, 39) == 0);
  CHECK(stage_after({.advance_at = .8f}, 40) == 1);
}

TEST_CASE("curriculum/adaptive: saved and loaded at any moment it goes on alike") {
  Adaptive::State state({}, 4);
  Random random = stream(3);
  const auto next = [&random](Adaptive::State& s, float chance) {
    return CurriculumEpisode{
        .return_ = random.normal(), .success = random.uniform() < chance ? 1.f : 0.f, .stage = s.stage()};
  };
  for (int round = 0; round < 60; ++round) {
    const float chance = round / 12 % 2 ? .1f : .95f;
    Adaptive::State loaded({}, 4);
    polis::from_bytes(polis::to_bytes(state), loaded);
    for (int i = 0; i < 37; ++i) {
      const auto ended = next(state, chance);
      state.episode(ended);
      loaded.episode(ended);
      REQUIRE(loaded.stage() == state.stage());
    }
    REQUIRE(polis::to_bytes(loaded) == polis::to_bytes(state));
  }
  CHECK(metrics(state)["advances"] >= 2);
  CHECK(metrics(state)["regressions"] >= 1);

  while (state.stage() < 2) state.episode(next(state, 1));
  Adaptive::State fewer({}, 2), narrower({.window = 20}, 4);
  CHECK(error_of([&] { polis::from_bytes(polis::to_bytes(state), fewer); }).find("had reached stage") !=
        std::string::npos);
  CHECK(error_of([&] {
          polis::from_bytes(polis::to_bytes(state), narrower);
        }).find("found 50 elements; expected 20 elements") != std::string::npos);
}

TEST_CASE("curriculum: settings and statements that make no sense are refused") {
  const auto refusal = [](const Adaptive::Config& config) {
    return error_of([&] { Adaptive::State(config, 2); });
  };
  CHECK(refusal({.window = 1}) == "curriculum.window: found 1; expected at least 2");
  CHECK(refusal({.replay = 1}).find("curriculum.replay: found 1") == 0);
  CHECK(refusal({.advance_at = .2f}).find("curriculum.regress_at: found 0.3") == 0);
  CHECK(refusal({.advance_windows = 0}).find("curriculum.advance_windows") == 0);
  CHECK(refusal({.regress_windows = 0}).find("curriculum.regress_windows") == 0);
  CHECK(refusal({.cooldown = -1}).find("curriculum.cooldown") == 0);
  CHECK(error_of([] { Staged::State({.episodes = 0}, 2); }).find("curriculum.episodes") == 0);

  const float nan = std::numeric_limits<float>::quiet_NaN();
  Adaptive::State two({}, 2), one({}, 1);
  CHECK(error_of([&] { two.episode(episode(two, nan)); }).find("does not state whether") !=
        std::string::npos);
  CHECK(error_of([&] { two.episode(episode(two, 2)); }).find("a success of 2") != std::string::npos);
  one.episode(episode(one, nan));  // with one stage there is nothing to decide
  CHECK(one.stage() == 0);
}

TEST_CASE("curriculum/staged: by episodes or by success, never back") {
  Staged::State by_episodes({.episodes = 100}, 3);
  Random random = stream(0);
  for (int i = 0; i < 99; ++i) by_episodes.episode({.success = 0, .stage = 0});
  CHECK(by_episodes.sample(random).stage == 0);
  by_episodes.episode({.success = std::numeric_limits<float>::quiet_NaN(), .stage = 0});
  CHECK(by_episodes.sample(random).stage == 1);
  CHECK(by_episodes.progress() == .5);
  for (int i = 0; i < 500; ++i) by_episodes.episode({.success = 0, .stage = 0});  // begun before the change
  CHECK(by_episodes.stage() == 1);
  for (int i = 0; i < 500; ++i) by_episodes.episode({.success = 0, .stage = by_episodes.stage()});
  CHECK(by_episodes.stage() == 2);

  Staged::State by_success({.end = polis::StageEnd::Success}, 2);
  for (int i = 0; i < 10; ++i) window(by_success, 39);
  CHECK(by_success.stage() == 0);
  CHECK(metrics(by_success)["success"] == doctest::Approx(.78));
  window(by_success, 40);
  CHECK(by_success.stage() == 1);
  for (int i = 0; i < 10; ++i) window(by_success, 0);
  CHECK(by_success.stage() == 1);

  Staged::State loaded({.end = polis::StageEnd::Success}, 2);
  polis::from_bytes(polis::to_bytes(by_success), loaded);
  CHECK(polis::to_bytes(loaded) == polis::to_bytes(by_success));
  CHECK(loaded.stage() == 1);
}

TEST_CASE("curriculum/none: always the last stage") {
  polis::None::State state({}, 4);
  Random random = stream(0);
  window(state, 0);
  CHECK(state.sample(random).stage == 3);
  CHECK(state.stage() == 3);
  CHECK(state.progress() == 1);
  CHECK(polis::to_bytes(state).empty());
}
