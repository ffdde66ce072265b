// The ONNX graph in onnxruntime decides as the library does. It takes some seconds: Python runs in it.
#include <doctest/doctest.h>

#include <string>

#include <polis/deploy/onnx.hpp>

#include "policies.hpp"
#include "python.hpp"
#include "scratch.hpp"

using namespace polis_test;

TEST_CASE("deploy/onnx: decides as the library does on ten thousand observations") {
  for (const Case& tried : cases()) {
    CAPTURE(tried.name);
    const Scratch scratch;
    polis::write_text_file(scratch.file("policy.onnx"), onnx_bytes(tried.model));
    scratch.write_floats("observations", tried.decisions.observations);
    scratch.write_floats("legal", tried.decisions.legal);
    scratch.run(python("run_onnx.py") + ' ' + std::to_string(Decisions::rows) + ' ' +
                std::to_string(Decisions::episode));
    const auto outputs = scratch.read_floats("outputs"), actions = scratch.read_floats("actions");
    REQUIRE(outputs.size() == tried.decisions.outputs.size());
    REQUIRE(actions.size() == tried.decisions.actions.size());
    const Difference found = compare(tried.model, tried.decisions, outputs, actions, 1e-5);
    INFO("outputs within " << found.outputs << ", actions within " << found.actions << ", " << found.ties
                           << " ties");
    CHECK(found.outputs <= 1e-5);
    CHECK(found.actions <= 1e-5);
    CHECK(found.indices == 0);
  }
}

TEST_CASE("deploy/onnx: a trainer's policy goes to a file, one that spans two spaces does not") {
  const Untrained<PPO::With<Mlp<4>>, Noise<Box<2>, Discrete<2>>> untrained;
  const Scratch scratch;
  export_onnx(untrained.trainer, scratch.file("policy.onnx"), {.name = "first"});
  PolicyModel model = describe_policy(untrained.trainer);
  CHECK(polis::read_text_file(scratch.file("policy.onnx")) == onnx_bytes(model, "first"));
  CHECK_THROWS_WITH_AS(export_onnx(untrained.trainer, scratch.file("a.onnx"), {.agent = -1}),
                       doctest::Contains("there is no agent -1"), Error);
  model.heads = {{HeadKind::identity, 2, 2, {}, {}}};
  CHECK_THROWS_WITH_AS((void)onnx_bytes(model), doctest::Contains("spans two spaces"), Error);
}
