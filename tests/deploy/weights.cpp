// Weights as safetensors: read by the safetensors package and read back, taken over by another trainer, and
// each way of being the wrong file.
#include <doctest/doctest.h>

#include <cstdint>
#include <cstdio>
#include <cstring>
#include <span>
#include <string>
#include <vector>

#include <polis/algorithm/policies.hpp>
#include <polis/deploy/weights.hpp>

#include "policies.hpp"
#include "python.hpp"
#include "scratch.hpp"

namespace test_weights {

using namespace polis_test;

using E = Noise<Box<3>, Box<2>>;
using Algorithm = PPO::With<Gru<8>, NormalizeObservations>;

std::string names(const SafeTensors& contents) {
  std::string text;
  for (const auto& [name, tensor] : contents.tensors) text += name + ' ';
  return text;
}

template <class Algorithm>
std::string names_of() {
  const Untrained<Algorithm, Market> untrained;
  return names(trained_tensors(untrained.trainer));
}

/// What the trainer decides, all of it.
template <class T>
std::vector<float> actions(const T& trainer) {
  return decide(trainer.learner().agents().front(), E::draw).actions;
}

/// A file of safetensors with this header and that many bytes of data.
std::string file_of(const std::string& header, std::size_t bytes) {
  const std::uint64_t length = header.size();
  std::string file(sizeof length, '\0');
  std::memcpy(file.data(), &length, sizeof length);
  return file + header + std::string(bytes, '\0');
}

std::string entry(const std::string& name, const std::string& shape, const std::string& offsets) {
  return '"' + name + R"(":{"dtype":"F32","shape":[)" + shape + R"(],"data_offsets":[)" + offsets + "]}";
}

}  // namespace test_weights

using namespace test_weights;

TEST_CASE("deploy/weights: the safetensors package reads what polis writes, and polis what it writes") {
  const Untrained<Algorithm, E> untrained;
  const Scratch scratch;
  const std::string ours = scratch.file("ours.safetensors"), theirs = scratch.file("theirs.safetensors");
  export_safetensors(untrained.trainer, ours);
  std::string expected;
  const SafeTensors contents = trained_tensors(untrained.trainer);
  for (const auto& entry : contents.tensors) {
    const auto& name = entry.first;  // clang 14 lets no lambda capture a structured binding
    const Tensor& tensor = entry.second;
    std::string shape;
    for (const std::size_t size : tensor.shape) shape += (shape.empty() ? "" : "x") + std::to_string(size);
    double total = 0;
    const auto add = [&]<class T>(T) {
      std::vector<T> values(tensor.bytes.size() / sizeof(T));
      tensor.copy_to(std::span(values));
      for (const T value : values) total += static_cast<double>(value);
    };
    tensor.type == "F32" ? add(0.f) : add(0.);
    char text[40];
    std::snprintf(text, sizeof text, "%.17g", total);
    expected += name + ' ' + tensor.type + ' ' + shape + ' ' + text + '\n';
  }
  polis::write_text_file(scratch.file("expected"), expected);
  scratch.run(python("check_safetensors.py") + " ours.safetensors theirs.safetensors");

  const SafeTensors back = read_safetensors(theirs);
  CHECK(back.metadata == contents.metadata);
  CHECK(names(back) == names(contents));
  for (const auto& [name, tensor] : contents.tensors) CHECK(back.tensors.at(name).bytes == tensor.bytes);

  Untrained<Algorithm, E> other(6);
  CHECK(actions(other.trainer) != actions(untrained.trainer));
  import_safetensors(other.trainer, theirs);
  CHECK(actions(other.trainer) == actions(untrained.trainer));
}

TEST_CASE("deploy/weights: arrays are named by whose they are") {
  const auto prefixed = [](const std::string& prefix) {
    return prefix + "actor.0.bias " + prefix + "actor.0.weight " + prefix + "critic.0.bias " + prefix +
           "critic.0.weight ";
  };
  CHECK(names_of<PPO::With<Mlp<>>>() == prefixed("Buyer.") + prefixed("Seller."));
  CHECK(names_of<PPO::With<Mlp<>, SharedParameters>>() == prefixed("shared."));
  CHECK(names_of<PPO::With<Mlp<>, SeparateParameters>>() ==
        prefixed("Buyer.0.") + prefixed("Buyer.1.") + prefixed("Seller."));
  CHECK(
      names_of<Policies<For<Seller, PPO::With<Mlp<>>>, For<Buyer, PPO::With<Mlp<>, SeparateParameters>>>>() ==
      prefixed("Buyer.0.") + prefixed("Buyer.1.") + prefixed("Seller."));
  const std::string model =
      "shared.opponent_model.encoder.0.bias shared.opponent_model.encoder.0.weight "
      "shared.opponent_model.head.bias shared.opponent_model.head.weight ";
  CHECK(names_of<PPO::With<Mlp<>, SharedParameters, OpponentModel<2, Mlp<>>>>() ==
        prefixed("shared.") + model);
}

TEST_CASE("deploy/weights: a file of other weights changes nothing, and says what is other") {
  Untrained<Algorithm, E> untrained;
  const Scratch scratch;
  const std::string path = scratch.file("a.safetensors");
  const SafeTensors whole = trained_tensors(untrained.trainer);
  const auto before = actions(untrained.trainer);
  const auto refuses = [&](const SafeTensors& contents, const char* reason) {
    write_safetensors(path, contents);
    CHECK_THROWS_WITH_AS(import_safetensors(untrained.trainer, path), doctest::Contains(reason), Error);
    CHECK(actions(untrained.trainer) == before);
  };
  SafeTensors other = whole;
  other.metadata["composition"] = "DQN on Chess";
  refuses(other, "these are weights of DQN on Chess; expected weights of ActorCritic<");
  other = whole;
  other.tensors.erase("Agent.actor.output.bias");
  refuses(other, "there is no 'Agent.actor.output.bias'; expected F32 [2], as ActorCritic<");
  other = whole;
  other.tensors["Agent.log_std"].shape = {1, 2};
  refuses(other, "'Agent.log_std' is F32 [1, 2]; expected F32 [2], as");
  other = whole;
  other.tensors["conv1.weight"] = whole.tensors.at("Agent.log_std");
  refuses(other, "found 'conv1.weight'; expected the arrays of ActorCritic<");

  other = whole;
  other.metadata.clear();  // as from another program: judged by its arrays
  write_safetensors(path, other);
  Untrained<Algorithm, E> another(7);
  import_safetensors(another.trainer, path);
  CHECK(actions(another.trainer) == before);
}

TEST_CASE("deploy/weights: a torn or foreign file is called that") {
  const Untrained<Algorithm, E> untrained;
  const Scratch scratch;
  const std::string path = scratch.file("a.safetensors");
  const auto refuses = [&](const std::string& bytes, const char* reason) {
    polis::write_text_file(path, bytes);
    CHECK_THROWS_WITH_AS((void)read_safetensors(path), doctest::Contains(reason), Error);
  };
  CHECK_THROWS_WITH_AS((void)read_safetensors(path), doctest::Contains("No such file"), Error);
  export_safetensors(untrained.trainer, path);
  const std::string whole = polis::read_text_file(path);
  for (std::size_t size = 0; size < whole.size(); size += 7)
    refuses(whole.substr(0, size), "not a whole safetensors file");
  refuses(whole + '\0', "1 bytes are left over");
  refuses("day,DAX\n0,1628.75\n", "its header is to have");
  refuses(file_of("[1]", 0), "not a JSON object");
  refuses(file_of(R"({"__metadata__":{"a":1}})", 0), "metadata 'a' are not a text");
  refuses(file_of(R"({"a":{"dtype":"F32","shape":[1]}})", 4), "'a' has no data_offsets");
  refuses(file_of(R"({"a":{"dtype":"X9","shape":[1],"data_offsets":[0,4]}})", 4), "'a' is of a type 'X9'");
  refuses(file_of('{' + entry("a", "2", "0,4") + '}', 8), "do not hold its 8 bytes");
  refuses(file_of('{' + entry("a", "-1", "0,4") + '}', 4), "a shape that is no list of sizes");
  refuses(file_of('{' + entry("a", "4611686018427387905,4", "0,4") + '}', 4), "larger than all the data");
  refuses(file_of('{' + entry("a", "1", "0,4") + ',' + entry("b", "1", "0,4") + '}', 4), "overlap");
  refuses(file_of('{' + entry("a", "1", "4,8") + '}', 8), "leave gaps at byte 0");
}
