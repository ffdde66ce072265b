// The evaluation suites, each where the right answer is known.
#include <doctest/doctest.h>

#include <cmath>
#include <cstdio>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include <polis/algorithm/ppo.hpp>
#include <polis/nn/gru.hpp>
#include <polis/train/suites.hpp>
#include <polis/train/trainer.hpp>

#include "environments.hpp"
#include "suites_fixture.hpp"

namespace test_suites {

using namespace polis_test;
using doctest::Approx;

using Solo = Signals<1>;
using Trio = Signals<3>;

template <class E>
typename Actors<E>::Config settings(Script script = Script::answer) {
  typename Actors<E>::Config config{.seed = 5, .lanes = 4, .threads = 1};
  config.algorithm.script = static_cast<int>(script);
  return config;
}

/// What `print` writes.
std::string printed(auto&& print) {
  std::FILE* file = std::tmpfile();
  REQUIRE(file != nullptr);
  print(file);
  std::rewind(file);
  std::string text(8192, '\0');
  text.resize(std::fread(text.data(), 1, text.size(), file));
  std::fclose(file);
  return text;
}

double normal_share_below(double x) { return std::erfc(-x / std::sqrt(2.)) / 2; }

}  // namespace test_suites

using namespace test_suites;

TEST_CASE("train/suites: a table is looked up, printed, and read back from CSV and JSON") {
  ResultTable table("a \"suite\"");
  table.set("plain", "return", 1234.56);
  table.set("plain", "length", 10);
  table.set("odd, one", "return", -.5);
  table.set("odd, one", "aside", .25, ResultTable::Shown::on_request);
  table.set("odd, one", "never", std::nan(""));
  table.note("Below.");
  CHECK(table.at("plain", "return") == 1234.56);
  CHECK(std::isnan(table.at("plain", "aside")));
  CHECK_THROWS_WITH_AS(static_cast<void>(table.at("plain", "retrun")),
                       doctest::Contains("one of return, length, aside, never"), Error);
  CHECK_THROWS_AS(static_cast<void>(table.at("none", "return")), Error);
  CHECK(printed([&](std::FILE* to) { table.print(to); }) ==
        "a \"suite\"  return  length\n"
        "plain        1235      10\n"
        "odd, one       -0       -\n"
        "Below.\n");
  CHECK(printed([&](std::FILE* to) { table.print(to, {"aside"}); }).find("0.2500") != std::string::npos);
  CHECK_THROWS_AS(table.print(stdout, {"asid"}), Error);
  CHECK(table.csv() ==
        "\"a \"\"suite\"\"\",return,length,aside,never\n"
        "plain,1234.56,10,,\n"
        "\"odd, one\",-0.5,,0.25,\n");
  const auto json = nlohmann::json::parse(table.json());
  CHECK(json["suite"] == "a \"suite\"");
  CHECK(json["rows"][0]["return"] == 1234.56);
  CHECK(json["rows"][1]["name"] == "odd, one");
  CHECK(json["rows"][1]["length"].is_null());
}

TEST_CASE("train/suites: the difference to the first row is taken episode by episode") {
  ResultTable table("pairs");
  internal::EvaluationRows<Solo> rows(table);
  EvaluationResult first, second, single;
  first.returns = {1, 2, 3, 4}, first.mean = 2.5, first.deviation = std::sqrt(5. / 3);
  second.returns = {2, 3, 4, 6}, second.mean = 3.75, second.deviation = 1.7;
  single.returns = {5}, single.mean = 5;
  rows.add("first", first), rows.add("second", second), rows.add("single", single);
  CHECK(table.at("first", "error") == Approx(std::sqrt(5. / 12)));
  CHECK(std::isnan(table.at("first", "difference")));
  CHECK(table.at("second", "difference") == 1.25);
  CHECK(table.at("second", "paired error") == Approx(.25));  // of 1, 1, 1, 2
  CHECK(table.at("single", "difference") == 4);
  CHECK(std::isnan(table.at("single", "error")));
  CHECK(std::isnan(table.at("single", "paired error")));
}

TEST_CASE("train/suites: standard is the trainer's own evaluation, stress goes beyond it") {
  const Actors<Solo> actors(settings<Solo>());
  const ResultTable standard = actors.evaluate(Standard{}, 50);
  CHECK(standard.at("standard", "return") == 10);
  CHECK(standard.at("standard", "length") == 10);
  CHECK(standard.at("standard", "success") == 1);
  CHECK(standard.at("standard", "error") == 0);
  CHECK(printed([&](std::FILE* to) { standard.print(to); }) ==
        "standard  return  error  success  length\n"
        "standard      10      0        1      10\n");
  CHECK(standard.at("standard", "first_cue") == actors.evaluate(50).metrics.at("first_cue"));

  const Stress<Solo> suite{.changes = {{"flipped", [](Solo::Task& task) { task.flips = true; }}},
                           .tasks = {{"long", {.decisions = 25}}},
                           .settings = {{"payoff 3", {.payoff = 3}}}};
  const ResultTable stress = actors.evaluate(suite, 20);
  CHECK(stress.rows() ==
        std::vector<std::string>{"standard", "stage 0", "stage 1", "flipped", "long", "payoff 3"});
  CHECK(stress.at("standard", "return") == 10);
  CHECK(stress.at("stage 0", "return") == 4);
  CHECK(stress.at("stage 1", "return") == 10);
  CHECK(stress.at("flipped", "return") == 0);
  CHECK(stress.at("flipped", "difference") == -10);
  CHECK(stress.at("flipped", "length") == 10);
  CHECK(stress.at("long", "return") == 25);
  CHECK(stress.at("payoff 3", "return") == 30);

  const Actors<Meeting<>> meeting(settings<Meeting<>>());
  CHECK_THROWS_WITH_AS(static_cast<void>(meeting.evaluate(Stress<Meeting<>>{}, 5)),
                       doctest::Contains("nothing harder is given"), Error);
}

TEST_CASE("train/suites: generalization plays other seeds, tasks and periods") {
  const Actors<Solo> actors(settings<Solo>());
  const Generalization<Solo> suite{
      .seeds = {11, 12},
      .tasks = {{"short", {.decisions = 3}}},
      .periods = {{"flipped", {.flips = true}},
                  {"flipped, short", {.flips = true}, Solo::Task{.decisions = 6}}}};
  const ResultTable table = actors.evaluate(suite, 4);
  CHECK(table.rows() == std::vector<std::string>{"training seed", "seed 11", "seed 12", "short", "flipped",
                                                 "flipped, short"});
  CHECK(table.at("training seed", "return") == 10);
  CHECK(table.at("seed 11", "return") == 10);
  CHECK(table.at("short", "return") == 3);
  CHECK(table.at("flipped", "return") == 0);
  CHECK(table.at("flipped", "length") == 10);
  CHECK(table.at("flipped, short", "length") == 6);
  // The first row begins as training does: with the first cues of the trainer's own four lanes.
  double first_cues = 0;
  for (int lane = 0; lane < 4; ++lane) first_cues += actors.lanes().lane(lane).first / 4.;
  CHECK(table.at("training seed", "first_cue") == first_cues);
}

TEST_CASE(
    "train/suites: noise of 0 changes nothing, of 1 what the normal law says, and the blind not at all") {
  const Actors<Solo> actors(settings<Solo>());
  const ResultTable table = actors.evaluate(Robustness{.noise = {0, .1f, 1, 2}}, 1000);
  CHECK(table.at("noise 0", "return") == 10);
  CHECK(table.at("noise 0.1", "return") == 10);  // ten deviations from the threshold
  for (const auto& [row, deviation] : {std::pair{"noise 1", 1.}, {"noise 2", 2.}}) {
    const double share = normal_share_below(1 / deviation);
    const double error = std::sqrt(10 * share * (1 - share) / 1000);
    CHECK(std::abs(table.at(row, "return") - 10 * share) < 4 * error);
  }
  // Who does not look does not mind: half of the alternating cues are right, whatever is seen.
  const Actors<Solo> blind(settings<Solo>(Script::always_1));
  CHECK(blind.evaluate(Robustness{.noise = {5}}, 100).at("noise 5", "return") == 5);

  const Actors<Meeting<>> indices(settings<Meeting<>>());
  CHECK_THROWS_WITH_AS(static_cast<void>(indices.evaluate(Robustness{.noise = {.1f}}, 5)),
                       doctest::Contains("agents see only indices"), Error);
}

TEST_CASE("train/suites: delayed answers to alternating cues are wrong or right by the parity of the delay") {
  const Actors<Solo> actors(settings<Solo>());
  const ResultTable table = actors.evaluate(Robustness{.delays = {0, 1, 2, 3, 20}}, 64);
  CHECK(table.at("delay 0", "return") == 10);
  // Until an answer arrives the action is 0: right where the cue is 0. All answers one late are wrong.
  CHECK(table.at("delay 1", "return") == Approx(1 - table.at("undisturbed", "first_cue")));
  CHECK(table.at("delay 1", "paired error") == Approx(table.at("delay 1", "error")));  // undisturbed: all 10
  CHECK(table.at("delay 2", "return") == 9);
  CHECK(table.at("delay 3", "return") == Approx(2 - table.at("undisturbed", "first_cue")));
  CHECK(table.at("delay 20", "return") == 5);
  CHECK_THROWS_AS(static_cast<void>(actors.evaluate(Robustness{.delays = {-1}}, 5)), Error);

  // Where agents take turns, a delay counts an agent's own decisions.
  const Actors<Signals<2, true>> turns(settings<Signals<2, true>>());
  const ResultTable own = turns.evaluate(Robustness{.delays = {2}}, 32);
  CHECK(own.at("undisturbed", "return") == 10);  // the mean of two who have 10 each
  CHECK(own.at("delay 2", "return") == 9);
}

TEST_CASE("train/suites: of three agents, those dropped earn what chance or idleness does") {
  const Actors<Trio> actors(settings<Trio>());
  const ResultTable random = actors.evaluate(Robustness{.dropped = {0, 1, 3}}, 1000);
  CHECK(random.at("dropped 0", "return") == 10);
  const double error = std::sqrt(10 * .25 / 1000);  // of one agent's return
  CHECK(std::abs(random.at("dropped 1", "return") - (10 + 10 + 5) / 3.) < 4 * error / 3);
  CHECK(std::abs(random.at("dropped 3", "return") - 5) < 4 * error / std::sqrt(3.));
  const Robustness idle{.dropped = {2}, .replacement = Replacement::neutral};
  CHECK(actors.evaluate(idle, 100).at("dropped 2", "return") == Approx((10 + 5 + 5) / 3.));
  CHECK_THROWS_WITH_AS(static_cast<void>(actors.evaluate(Robustness{.dropped = {4}}, 5)),
                       doctest::Contains("found 4"), Error);

  // Who is dropped is drawn anew in every episode, each agent as often.
  auto env = actors.evaluation_lanes(900, {}, {});
  DroppedAgents<Trio, NeutralPolicy> dropped({}, 1, Replacement::random, env.lanes(), 3);
  const auto returns = run_episodes(env, 900, dropped).agents;
  for (const double own : returns) CHECK(std::abs(own - 5) < .2);
}

TEST_CASE("train/suites: runs with opposite conventions do well by themselves and fail together") {
  const Actors<Meeting<>> zeros(settings<Meeting<>>(Script::always_0)),
      ones(settings<Meeting<>>(Script::always_1));
  const ResultTable table = zeros.evaluate(CrossPlay(ones), 10);
  for (const char* agent : {"agent 0", "agent 1"}) {
    const std::string own = agent;
    CHECK(table.at(own + " of run 0", "among run 0") == 10);
    CHECK(table.at(own + " of run 0", "among run 1") == 0);
    CHECK(table.at(own + " of run 1", "among run 0") == 0);
    CHECK(table.at(own + " of run 1", "among run 1") == 5);
  }
  CHECK(table.at("mean", "self-play") == 7.5);
  CHECK(table.at("mean", "cross-play") == 0);
  CHECK(table.at("mean", "gap") == 7.5);

  // Where interests differ, the cell is the return of the agent that was put among others.
  const Actors<Meeting<true>> first(settings<Meeting<true>>(Script::always_1)),
      second(settings<Meeting<true>>(Script::always_1)), third(settings<Meeting<true>>(Script::always_0));
  const ResultTable hostile = first.evaluate(CrossPlay(second, third), 10);
  CHECK(hostile.at("agent 0 of run 1", "among run 0") == 5);
  CHECK(hostile.at("agent 1 of run 1", "among run 0") == -5);
  CHECK(hostile.at("agent 1 of run 2", "among run 2") == -10);
  CHECK(hostile.at("agent 1 of run 2", "among run 1") == 0);
  CHECK(hostile.at("mean", "self-play") == 0);
  const ResultTable standard = first.evaluate(Standard{}, 10);
  CHECK(standard.at("standard", "return") == 0);
  CHECK(standard.at("standard", "agent 0") == 5);
  CHECK(standard.at("standard", "agent 1") == -5);

  const Actors<Solo> solo(settings<Solo>());
  CHECK_THROWS_AS(static_cast<void>(solo.evaluate(CrossPlay(solo), 5)), Error);
}

TEST_CASE("train/suites: adaptation counts the steps until the return is back") {
  Actors<Solo> actors(settings<Solo>());
  // A batch of 4 lanes collects 4 steps and learns to answer one more decision of the changed world.
  const ResultTable table =
      actors.evaluate(Adaptation<Solo>{.env = Solo::Config{.flips = true}, .recovery = .9}, 20);
  CHECK(table.at("before the change", "return") == 10);
  CHECK(table.at("at the change", "return") == 0);
  CHECK(table.at("after 16 steps", "return") == 1);
  CHECK(table.at("after 144 steps", "return") == 9);
  CHECK(table.at("recovered", "steps") == 9 * 16);
  CHECK(table.rows().size() == 2 + 9 + 1);
  CHECK(actors.clock().steps == 0);  // it was a copy that went on
  CHECK(actors.evaluate(20).mean == 10);

  const Adaptation<Solo> short_of_it{.env = Solo::Config{.flips = true}, .steps = 64, .every = 32};
  const ResultTable cut = actors.evaluate(short_of_it, 20);
  CHECK(cut.rows() == std::vector<std::string>{"before the change", "at the change", "after 32 steps",
                                               "after 64 steps", "recovered"});
  CHECK(cut.at("after 64 steps", "return") == 4);
  CHECK(std::isnan(cut.at("recovered", "steps")));

  // A change that does no harm needs no steps; one of the task reaches training and evaluation.
  const ResultTable longer = actors.evaluate(Adaptation<Solo>{.task = Solo::Task{.decisions = 12}}, 20);
  CHECK(longer.at("at the change", "return") == 12);
  CHECK(longer.at("recovered", "steps") == 0);
  const ResultTable flipped = actors.evaluate(
      Adaptation<Solo>{.data = Solo::Dataset{.flips = true}, .task = Solo::Task{.flips = true}}, 20);
  CHECK(flipped.at("at the change", "return") == 10);  // twice flipped is as before
  CHECK_THROWS_AS(static_cast<void>(actors.evaluate(Adaptation<Solo>{}, 5)), Error);
}

TEST_CASE("train/suites: restart gives every lane the task, until another restart gives it back") {
  Actors<Solo> actors(settings<Solo>());
  actors.restart(Solo::Task{.decisions = 2});
  for (int i = 0; i < 3; ++i) actors.iterate();
  for (int lane = 0; lane < 4; ++lane) CHECK(actors.lanes().task(lane).decisions == 2);
  actors.restart();
  for (int lane = 0; lane < 4; ++lane) CHECK(actors.lanes().task(lane).decisions == 10);
}

TEST_CASE("train/suites: learners with carries or decisions that wait go on after a restart") {
  const auto restart = []<class T>(T&& trainer) {
    trainer.iterate();
    trainer.restart(Race::Task{.goal = 5});
    for (int lane = 0; lane < 8; ++lane) CHECK(trainer.lanes().steps_in_episode(lane) == 0);
    for (int i = 0; i < 3; ++i) trainer.iterate();
    for (int lane = 0; lane < 8; ++lane) CHECK(trainer.lanes().task(lane).goal == 5);
    for (const char* figure : {"policy_loss", "value_loss"}) {
      double value = std::nan("");
      trainer.learner().metrics([&](const char* name, double x) {
        if (name == std::string(figure)) value = x;
      });
      CAPTURE(figure);
      CHECK(std::isfinite(value));
    }
  };
  restart(Trainer<PPO::With<Gru<8>>, MultiAgentEnv<Race>>({.seed = 1, .lanes = 8, .threads = 1}));
  restart(Trainer<PPO::With<Mlp<8>>, MultiAgentEnv<Race>>({.seed = 1, .lanes = 8, .threads = 1}));
}

TEST_CASE("train/suites: references play in the lanes of the trained policy") {
  const Actors<Solo> actors(settings<Solo>());
  const auto contrary = [](const float* seen, int) { return seen[0] > 0 ? 0 : 1; };
  const Comparison<Solo> suite{
      .references = {{"contrary", observing_policy<Solo>(contrary)}, {"idle", NeutralPolicy{}}}};
  const ResultTable table = actors.evaluate(suite, 1000);
  CHECK(table.rows() == std::vector<std::string>{"trained", "trained, sampled", "random", "neutral",
                                                 "heuristic", "contrary", "idle", "optimum"});
  CHECK(table.at("trained", "return") == 10);
  CHECK(table.at("trained, sampled", "return") == 10);
  CHECK(std::abs(table.at("random", "return") - 5) < 4 * std::sqrt(10 * .25 / 1000));
  CHECK(table.at("neutral", "return") == 5);
  CHECK(table.at("heuristic", "return") == 10);
  CHECK(table.at("optimum", "return") == 10);
  CHECK(table.at("trained", "score") == 1);
  CHECK(table.at("random", "score") == 0);
  CHECK(table.at("contrary", "score") ==
        Approx(table.at("random", "return") / (table.at("random", "return") - 10)));
  CHECK(table.at("contrary", "return") == 0);
  CHECK(table.at("contrary", "difference") == -10);
  CHECK(table.at("idle", "return") == 5);
  CHECK(table.at("idle", "first_cue") == table.at("trained", "first_cue"));
}

TEST_CASE("train/suites: sample efficiency by hand, and from a trainer's evaluations") {
  EvaluationHistory steady, slow, none;
  const auto feed = [](EvaluationHistory& history, std::uint64_t step, double value) {
    MetricsRow row{.kind = MetricsRow::Kind::evaluation, .step = step, .values = {}};
    row.add("return", value);
    history.row(row);
  };
  feed(steady, 10, 0), feed(steady, 20, 1), feed(steady, 30, 3), feed(steady, 40, 2);
  feed(slow, 10, 0), feed(slow, 40, 1);
  const ResultTable table = sample_efficiency({&steady, &slow}, {1, 2.5, 4});
  CHECK(table.at("mean over training", "run 0") == Approx((5 + 20 + 25) / 30.));
  CHECK(table.at("mean over training", "run 1") == Approx(.5));
  CHECK(table.at("mean over training", "median") == Approx((50 / 30. + .5) / 2));
  CHECK(table.at("last evaluation", "run 0") == 2);
  CHECK(table.at("best evaluation", "run 0") == 3);
  CHECK(table.at("steps to 1", "run 0") == 20);
  CHECK(table.at("steps to 1", "median") == 30);
  CHECK(table.at("steps to 2.5", "run 0") == 30);
  CHECK(std::isnan(table.at("steps to 2.5", "run 1")));
  CHECK(std::isnan(table.at("steps to 2.5", "median")));
  CHECK(std::isnan(table.at("steps to 4", "run 0")));
  CHECK_THROWS_AS(sample_efficiency({&none}, {1}), Error);
  RunInfo resumed;
  resumed.resumed_at = 20;
  steady.open(resumed);
  CHECK(steady.points().size() == 2);

  auto config = settings<Solo>();
  config.algorithm.known = 0;  // each update of 16 steps is worth 1
  config.evaluation = {.every = 32, .episodes = 4};
  Actors<Solo> actors(config);
  actors.add_sink(none);
  actors.train(160);
  CHECK(sample_efficiency({&none}, {5}).at("steps to 5", "run 0") == 96);
}

TEST_CASE("train/suites: a real learner, with carries and turns, goes through the suites") {
  using Racers = Trainer<PPO::With<Gru<8>>, MultiAgentEnv<Race>>;
  const Racers a({.seed = 1, .lanes = 8, .threads = 1}), b({.seed = 2, .lanes = 8, .threads = 1});
  const ResultTable robustness =
      a.evaluate(Robustness{.noise = {0, 10}, .delays = {0, 1}, .dropped = {0, 1}}, 100);
  for (const char* row : {"noise 0", "delay 0", "dropped 0"}) {
    CHECK(robustness.at(row, "agent 0") == robustness.at("undisturbed", "agent 0"));
    CHECK(robustness.at(row, "length") == robustness.at("undisturbed", "length"));
  }
  CHECK(robustness.at("noise 10", "length") != robustness.at("undisturbed", "length"));
  CHECK(robustness.at("dropped 1", "length") != robustness.at("undisturbed", "length"));
  const ResultTable alone = a.evaluate(CrossPlay(a), 100), together = a.evaluate(CrossPlay(b), 100);
  CHECK(alone.at("mean", "gap") == 0);
  CHECK(alone.at("agent 1 of run 0", "among run 1") == a.evaluate(100).agents[1]);
  const std::vector<const Racers*> others = {&b};
  CHECK(a.evaluate(CrossPlay<Racers>(others), 100).csv() == together.csv());
  const ResultTable sampled = a.evaluate(CrossPlay(Play::sampled, b), 100);
  CHECK(sampled.csv() != together.csv());
  CHECK(sampled.at("agent 0 of run 0", "among run 0") == a.evaluate(100, Play::sampled).agents[0]);
  CHECK(together.at("agent 0 of run 1", "among run 1") == -together.at("agent 1 of run 1", "among run 1"));
  CHECK(a.evaluate(Stress<Race>{}, 50).rows().size() == 5);
  CHECK(a.evaluate(Generalization<Race>{}, 50).rows().size() == 4);
  CHECK(a.evaluate(Comparison<Race>{}, 50).at("random", "agent 0") > -1);
}
