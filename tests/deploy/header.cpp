// The exported header, compiled with nothing else of polis, decides as the library does. It takes some
// seconds: a compiler runs in it.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include <polis/deploy/header.hpp>
#include <polis/envs/classic/cartpole.hpp>

#include "policies.hpp"
#include "scratch.hpp"

namespace test_header {

using namespace polis_test;

/// Reads observations (and flags), writes outputs and actions. C++17, like the header.
const char* const program = R"(
#include "policy.hpp"

#include <cstddef>
#include <cstdio>

namespace {

template <class T>
void put(std::FILE* to, T x) {
  const float value = static_cast<float>(x);
  std::fwrite(&value, sizeof value, 1, to);
}
template <class T, std::size_t N>
void put(std::FILE* to, const std::array<T, N>& values) {
  for (const T& value : values) put(to, value);
}
#if ELEMENTS == 2
void put(std::FILE* to, const policy::Action& action) { put(to, action.element0), put(to, action.element1); }
#elif ELEMENTS == 3  // the last of them a tuple
void put(std::FILE* to, const policy::Action2& action) { put(to, action.element0), put(to, action.element1); }
void put(std::FILE* to, const policy::Action& action) {
  put(to, action.element0), put(to, action.element1), put(to, action.element2);
}
#endif

}  // namespace

int main(int, char** files) {
  std::FILE* observations = std::fopen(files[1], "rb");
  std::FILE* outputs = std::fopen(files[2], "wb");
  std::FILE* actions = std::fopen(files[3], "wb");
  policy::Observation seen;
#ifdef LEGAL
  std::FILE* flags = std::fopen("legal", "rb");
#endif
#ifdef RECURRENT
  policy::State states[ROWS];
#endif
  for (int i = 0; std::fread(&seen, sizeof seen, 1, observations) == 1; ++i) {
#ifdef LEGAL
    policy::Legal legal{};
    for (bool& flag : legal) {
      float x = 0;
      if (std::fread(&x, sizeof x, 1, flags) != 1) return 1;
      flag = x != 0;
    }
    put(outputs, policy::outputs(seen));
    put(actions, policy::act(seen, legal));
#elif defined RECURRENT
    policy::State& state = states[i % ROWS];
    if (i / ROWS % EPISODE == 0) state.reset();
    policy::State same = state;
    put(outputs, policy::outputs(seen, same));
    put(actions, policy::act(seen, state));
#else
    put(outputs, policy::outputs(seen));
    put(actions, policy::act(seen));
#endif
  }
  return std::fclose(outputs) + std::fclose(actions);
}
)";

/// Compiles the exported header and has it decide on the same observations.
Difference play(const std::string& header, const PolicyModel& model, const Decisions& ours) {
  const Scratch scratch;
  polis::write_text_file(scratch.file("policy.hpp"), header);
  polis::write_text_file(scratch.file("play.cpp"), program);
  scratch.write_floats("observations", ours.observations);
  scratch.write_floats("legal", ours.legal);
  std::string defines =
      " -DROWS=" + std::to_string(Decisions::rows) + " -DEPISODE=" + std::to_string(Decisions::episode);
  if (model.recurrent()) defines += " -DRECURRENT";
  if (model.flags() > 0) defines += " -DLEGAL";
  defines += " -DELEMENTS=" + std::to_string(model.action.elements.size());
  scratch.run(POLIS_CXX " -std=c++17 -O2 -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Werror" + defines +
              " play.cpp -o play");
  scratch.run("./play observations outputs actions");
  const auto outputs = scratch.read_floats("outputs"), actions = scratch.read_floats("actions");
  REQUIRE(outputs.size() == ours.outputs.size());
  REQUIRE(actions.size() == ours.actions.size());
  return compare(model, ours, outputs, actions, 1e-6);
}

}  // namespace test_header

using namespace test_header;

TEST_CASE("deploy/header: decides as the library does on ten thousand observations") {
  for (const Case& tried : cases()) {
    CAPTURE(tried.name);
    const Difference found = play(header_text(tried.model), tried.model, tried.decisions);
    INFO("outputs within " << found.outputs << ", actions within " << found.actions << ", " << found.ties
                           << " ties");
    CHECK(found.outputs <= 1e-6);
    CHECK(found.actions <= 1e-6);
    CHECK(found.indices == 0);
  }
}

TEST_CASE("deploy/header: plays CartPole as the trainer plays it") {
  Trainer<PPO::With<NormalizeObservations>, MultiAgentEnv<CartPole>> trainer({.lanes = 32, .threads = 1});
  trainer.train(20'000);
  MultiAgentEnv<CartPole> env(Decisions::rows, 3);
  auto player = trainer.player(env.lanes());
  std::vector<Actions<CartPole>> actions(Decisions::rows);
  std::vector<float> observations, played;
  env.reset();
  for (int step = 0; step < Decisions::steps; ++step) {
    for (int lane = 0; lane < env.lanes(); ++lane) {
      observations.resize(observations.size() + 4);
      env.observe(lane, 0, Row{observations.data() + observations.size() - 4});
    }
    LaneTile<CartPole> tile{&env, 0, env.lanes(), static_cast<std::uint64_t>(step), 0, actions.data()};
    player(tile);
    for (const auto& action : actions) played.push_back(static_cast<float>(action[0]));
    env.step(actions);
  }
  const float* next = observations.data();
  const auto replay = [&next](Random&, float* words) { next = std::copy_n(next, 4, words) - words + next; };
  const Decisions ours = decide(trainer.learner().agents().front(), replay);
  CHECK(ours.actions == played);
  const PolicyModel model = describe_policy(trainer);
  const Difference found = play(header_text(model), model, ours);
  CHECK(found.outputs <= 1e-6);
  CHECK(found.indices == 0);
}

TEST_CASE("deploy/header: each agent its own weights, in a namespace of its name") {
  using E = polis_test::Noise<Box<2>, Discrete<2>>;
  const Untrained<PPO::With<Mlp<4>>, E> untrained;
  const Scratch scratch;
  export_header(untrained.trainer, scratch.file("policy.hpp"), {.name = "first"});
  const Untrained<PPO::With<Mlp<4>>, E> other(6);
  export_header(other.trainer, scratch.file("other.hpp"), {.name = "second::best"});
  CHECK(polis::read_text_file(scratch.file("policy.hpp")) ==
        header_text(describe_policy(untrained.trainer), "first"));
  CHECK(header_text(describe_policy(untrained.trainer)) != header_text(describe_policy(other.trainer)));
  polis::write_text_file(scratch.file("both.cpp"),
                         "#include \"policy.hpp\"\n#include \"other.hpp\"\n"
                         "int main() { return first::act({1, 2}) + second::best::act({1, 2}) > 2; }\n");
  scratch.run(POLIS_CXX " -std=c++17 -Wall -Wextra -Wpedantic -Werror both.cpp -o both && ./both");
}

TEST_CASE("deploy/header: what cannot be written is refused") {
  Untrained<PPO::With<Mlp<4>>, Noise<Box<2>, Discrete<2>>> untrained;
  const Scratch scratch;
  const auto write = [&](const ExportOptions& options) {
    export_header(untrained.trainer, scratch.file("a.hpp"), options);
  };
  for (const char* name : {"", "2nd", "a b", "a:b", "a::", "::a", "a::2"}) {
    CHECK_THROWS_WITH_AS(write({.name = name}), doctest::Contains("expected a name of a C++ namespace"),
                         Error);
  }
  CHECK_THROWS_WITH_AS(write({.agent = 1}), doctest::Contains("there is no agent 1; expected one of 0 to 0"),
                       Error);
  CHECK_THROWS_WITH_AS(export_header(untrained.trainer, scratch.file("missing/a.hpp")),
                       doctest::Contains("cannot be written: No such file or directory"), Error);
  untrained.trainer.learner().agents().front().weights().data()[3] = NAN;
  CHECK_THROWS_WITH_AS(write({}), doctest::Contains("a weight is not finite"), Error);
}
