// export_onnx: a trained policy as an ONNX graph (onnx.ai, opset 17), for any runtime and any batch size.
//
//   observation  float [batch, words]   as the environment's `observe` writes it; normalised in the graph
//   state        float [batch, width]   of a recurrent policy: zeros when an episode begins, then next_state
//   legal        bool  [batch, flags]   where the environment says which actions are legal
//   -> action    int64 [batch] of a Discrete, int64 [batch, n] of a MultiDiscrete, float [batch, n]
//   otherwise;
//                those of a tuple's elements are action.0, action.1, ...
//   -> outputs   float [batch, n]       of the network: logits, means
//   -> next_state
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <polis/core/error.hpp>
#include <polis/deploy/describe.hpp>
#include <polis/deploy/model.hpp>
#include <polis/deploy/protobuf.hpp>
#include <polis/io/text_file.hpp>

namespace polis {

namespace internal {

// Field numbers are those of onnx.proto.
enum class OnnxType : std::int64_t { float32 = 1, int64 = 7, boolean = 9 };

/// A graph that grows node by node; a value is known by its name.
class OnnxGraph {
 public:
  using Value = std::string;
  using Shape = std::vector<std::int64_t>;

  /// Whole-number attributes of a node.
  using Attributes = std::initializer_list<std::pair<const char*, std::int64_t>>;

  /// Adds a node with these outputs.
  void node(const char* operation, const std::vector<Value>& inputs, const std::vector<Value>& outputs,
            Attributes attributes = {}) {
    ProtobufMessage node;
    for (const Value& input : inputs) node.text(1, input);
    for (const Value& output : outputs) node.text(2, output);
    node.text(3, outputs.front() + '/' + operation).text(4, operation);
    constexpr int integer_attribute = 2;
    for (const auto& [name, value] : attributes) {
      ProtobufMessage attribute;
      attribute.text(1, name).integer(3, value).integer(20, integer_attribute);
      node.message(5, attribute);
    }
    nodes_.push_back(node);
  }
  /// The same with one output, which is named here.
  Value apply(const char* operation, const std::vector<Value>& inputs, Attributes attributes = {}) {
    Value output = fresh();
    node(operation, inputs, {output}, attributes);
    return output;
  }

  Value constant(const std::string& name, const Shape& shape, const std::vector<float>& values) {
    return tensor(name, shape, OnnxType::float32, std::span<const float>(values));
  }
  Value constant(float value) { return constant(fresh(), {}, {value}); }
  Value integers(const std::vector<std::int64_t>& values) {
    return tensor(fresh(), {static_cast<std::int64_t>(values.size())}, OnnxType::int64,
                  std::span<const std::int64_t>(values));
  }
  Value integer(std::int64_t value) {
    return tensor(fresh(), {}, OnnxType::int64, std::span<const std::int64_t>(&value, 1));
  }

  Value input(const std::string& name, OnnxType type, int columns) {
    graph_inputs_.push_back(description(name, type, columns));
    return name;
  }
  /// Makes a value an output of the graph; `columns` 0: one number a row.
  void output(const std::string& name, const Value& value, OnnxType type, int columns) {
    node("Identity", {value}, {name});
    graph_outputs_.push_back(description(name, type, columns));
  }

  [[nodiscard]] ProtobufMessage graph(const std::string& name) const {
    ProtobufMessage graph;
    for (const auto& node : nodes_) graph.message(1, node);
    graph.text(2, name);
    for (const auto& tensor : tensors_) graph.message(5, tensor);
    for (const auto& input : graph_inputs_) graph.message(11, input);
    for (const auto& output : graph_outputs_) graph.message(12, output);
    return graph;
  }

 private:
  Value fresh() { return "value" + std::to_string(named_++); }

  template <class T>
  Value tensor(const std::string& name, const Shape& shape, OnnxType type, std::span<const T> values) {
    ProtobufMessage tensor;
    for (const std::int64_t size : shape) tensor.integer(1, size);
    tensor.integer(2, static_cast<std::int64_t>(type)).text(8, name).array(9, values);
    tensors_.push_back(tensor);
    return name;
  }
  static ProtobufMessage description(const std::string& name, OnnxType type, int columns) {
    ProtobufMessage rows, shape, tensor, of_type, description;
    shape.message(1, rows.text(2, "batch"));
    if (columns > 0) {
      ProtobufMessage size;
      shape.message(1, size.integer(1, columns));
    }
    tensor.integer(1, static_cast<std::int64_t>(type)).message(2, shape);
    description.text(1, name).message(2, of_type.message(1, tensor));
    return description;
  }

  std::vector<ProtobufMessage> nodes_, tensors_, graph_inputs_, graph_outputs_;
  int named_ = 0;
};

/// Writes the graph of one policy, from the observation to the action.
class OnnxWriter {
 public:
  explicit OnnxWriter(const PolicyModel& model) : model_(model) {}

  [[nodiscard]] OnnxGraph write() {
    if (model_.flags() > 0) graph_.input("legal", OnnxType::boolean, model_.flags());
    Value at = features();
    if (model_.recurrent()) at = gru(at);
    for (std::size_t i = 0; i < model_.layers.size(); ++i)
      at = activate(dense("layer" + std::to_string(i), at, model_.layers[i]), model_.layers[i].activation);
    outputs_ = at;
    write_action(model_.action, "action");
    graph_.output("outputs", outputs_, OnnxType::float32, model_.outputs());
    if (model_.recurrent()) graph_.output("next_state", next_state_, OnnxType::float32, model_.gru.width);
    return std::move(graph_);
  }

 private:
  using Value = OnnxGraph::Value;

  Value features() {
    const Value observation = graph_.input("observation", OnnxType::float32, model_.words());
    if (model_.normalized()) {
      const std::int64_t size = model_.words();
      const Value centred = graph_.apply("Sub", {observation, graph_.constant("mean", {size}, model_.mean)});
      const Value scaled = graph_.apply(
          "Mul", {centred, graph_.constant("inverse_deviation", {size}, model_.inverse_deviation)});
      return graph_.apply("Clip", {scaled, graph_.constant(-model_.clip), graph_.constant(model_.clip)});
    }
    std::vector<Value> parts;
    bool plain = true;
    for (std::size_t word = 0; word < model_.categories.size(); ++word) {
      const int categories = model_.categories[word];
      const auto index = static_cast<int>(word);
      if (categories == 0) {
        parts.push_back(columns(observation, index, index + 1));
        continue;
      }
      plain = false;
      const Value number = graph_.apply("Gather", {observation, graph_.integer(index)}, {{"axis", 1}});
      const Value choice = graph_.apply("Cast", {number}, {{"to", static_cast<int>(OnnxType::int64)}});
      const Value off_on = graph_.constant("one_hot" + std::to_string(word), {2}, {0, 1});
      parts.push_back(graph_.apply("OneHot", {choice, graph_.integer(categories), off_on}, {{"axis", 1}}));
    }
    return plain ? observation : joined(parts);
  }

  Value dense(const std::string& name, const Value& x, const DenseModel& layer) {
    const Value weight = graph_.constant(name + ".weight", {layer.outputs, layer.inputs}, layer.weight);
    const Value bias = graph_.constant(name + ".bias", {layer.outputs}, layer.bias);
    return graph_.apply("Gemm", {x, weight, bias}, {{"transB", 1}});
  }
  Value activate(const Value& x, ActivationKind kind) {
    switch (kind) {
      case ActivationKind::tanh:
        return graph_.apply("Tanh", {x});
      case ActivationKind::relu:
        return graph_.apply("Relu", {x});
      case ActivationKind::silu:
        return graph_.apply("Mul", {x, graph_.apply("Sigmoid", {x})});
      case ActivationKind::none:
        break;
    }
    return x;
  }
  /// In basic operations, which every runtime has; see nn/gru.hpp for the equations.
  Value gru(const Value& x) {
    const int width = model_.gru.width;
    const Value h = graph_.input("state", OnnxType::float32, width);
    const Value from_x = dense("input", x, model_.gru.input);
    const Value from_h = dense("recurrent", h, model_.gru.recurrent);
    const auto gate = [&](const Value& gates, int i) { return columns(gates, i * width, (i + 1) * width); };
    const auto sum = [&](const Value& a, const Value& b) { return graph_.apply("Add", {a, b}); };
    const auto product = [&](const Value& a, const Value& b) { return graph_.apply("Mul", {a, b}); };
    const Value r = graph_.apply("Sigmoid", {sum(gate(from_x, 0), gate(from_h, 0))});
    const Value z = graph_.apply("Sigmoid", {sum(gate(from_x, 1), gate(from_h, 1))});
    const Value n = graph_.apply("Tanh", {sum(gate(from_x, 2), product(r, gate(from_h, 2)))});
    next_state_ = sum(n, product(z, graph_.apply("Sub", {h, n})));
    return next_state_;
  }

  /// Outputs for the action, or for each element of a tuple.
  void write_action(const ActionModel& action, const std::string& name) {
    if (action.kind == SpaceKind::tuple) {
      for (std::size_t i = 0; i < action.elements.size(); ++i)
        write_action(action.elements[i], name + '.' + std::to_string(i));
      return;
    }
    std::vector<Value> parts;
    for (int words = 0; words < action.words; words += model_.heads[head_++].words) {
      if (words + model_.heads[head_].words > action.words) {
        throw Error("a part of the distribution spans two spaces", model_.composition,
                    "parts that end where the spaces of the action do");
      }
      parts.push_back(head(model_.heads[head_]));
    }
    const Value value = joined(parts);
    if (action.kind == SpaceKind::discrete) {
      graph_.output(name, graph_.apply("Squeeze", {value, graph_.integers({1})}), OnnxType::int64, 0);
    } else if (action.kind == SpaceKind::multi_discrete) {
      graph_.output(name, value, OnnxType::int64, action.words);
    } else if (action.low.empty()) {
      graph_.output(name, value, OnnxType::float32, action.words);
    } else {
      const Value low = graph_.constant(name + ".low", {action.words}, action.low);
      const Value high = graph_.constant(name + ".high", {action.words}, action.high);
      graph_.output(name, graph_.apply("Min", {graph_.apply("Max", {value, low}), high}), OnnxType::float32,
                    action.words);
    }
  }

  /// The words that a head makes of the next outputs, [batch, words].
  Value head(const HeadModel& head) {
    Value y = columns(outputs_, input_, input_ + head.inputs);
    input_ += head.inputs;
    switch (head.kind) {
      case HeadKind::argmax: {
        Value logits = y;
        if (model_.masked) {
          const Value legal = columns("legal", flag_, flag_ + head.inputs);
          flag_ += head.inputs;
          logits = graph_.apply("Where", {legal, y, graph_.constant(-1e30f)});
        }
        return graph_.apply("ArgMax", {logits}, {{"axis", 1}, {"keepdims", 1}});
      }
      case HeadKind::log_ratio_softmax: {
        const Value padded = graph_.apply("Pad", {y, graph_.integers({0, 0, 0, 1})});
        const Value shares = graph_.apply("Softmax", {padded}, {{"axis", 1}});
        return graph_.apply("Max", {shares, graph_.constant(1e-30f)});
      }
      case HeadKind::squash:
        return squash(head, y);
      case HeadKind::beta_mean: {
        const Value alpha = concentrations(columns(y, 0, head.words));
        const Value beta = concentrations(columns(y, head.words, 2 * head.words));
        const Value share = graph_.apply("Div", {alpha, graph_.apply("Add", {alpha, beta})});
        return between(head, share, 0, 1);
      }
      case HeadKind::dirichlet_mean: {
        const Value c = concentrations(y);
        const Value sum = graph_.apply("ReduceSum", {c, graph_.integers({1})}, {{"keepdims", 1}});
        return graph_.apply("Max", {graph_.apply("Div", {c, sum}), graph_.constant(1e-30f)});
      }
      case HeadKind::identity:
        break;
    }
    return y;
  }
  Value squash(const HeadModel& head, const Value& y) {
    constexpr float limit = 0x1.fffff8p-1f;  // as SquashedGaussian: the bounds are not reached
    const Value tanh = graph_.apply("Tanh", {y});
    return between(head, graph_.apply("Clip", {tanh, graph_.constant(-limit), graph_.constant(limit)}), -1,
                   1);
  }
  Value concentrations(const Value& x) {
    return graph_.apply("Add", {graph_.apply("Softplus", {x}), graph_.constant(1)});
  }
  /// x from [from, to] to the bounds of the head.
  Value between(const HeadModel& head, const Value& x, float from, float to) {
    const std::string name = "head" + std::to_string(head_);
    std::vector<float> slope, offset;
    for (std::size_t i = 0; i < head.low.size(); ++i) {
      slope.push_back((head.high[i] - head.low[i]) / (to - from));
      offset.push_back(head.low[i] - from * slope[i]);
    }
    const Value scaled = graph_.apply("Mul", {x, graph_.constant(name + ".slope", {head.words}, slope)});
    return graph_.apply("Add", {scaled, graph_.constant(name + ".offset", {head.words}, offset)});
  }

  /// Columns first to last - 1.
  Value columns(const Value& x, int first, int last) {
    return graph_.apply("Slice",
                        {x, graph_.integers({first}), graph_.integers({last}), graph_.integers({1})});
  }
  Value joined(const std::vector<Value>& parts) {
    return parts.size() == 1 ? parts.front() : graph_.apply("Concat", parts, {{"axis", 1}});
  }

  const PolicyModel& model_;
  OnnxGraph graph_;
  Value outputs_, next_state_;
  std::size_t head_ = 0;
  int input_ = 0, flag_ = 0;
};

}  // namespace internal

/// The bytes of the ONNX file of a policy. Error: a part of its distribution spans two spaces.
[[nodiscard, gnu::cold]] inline std::string onnx_bytes(const PolicyModel& model,
                                                       const std::string& name = "policy") {
  constexpr int ir_version = 8, opset = 17;
  ProtobufMessage file, operators;
  file.integer(1, ir_version).text(2, "polis");
  file.message(7, internal::OnnxWriter(model).write().graph(name));
  file.message(8, operators.text(1, "").integer(2, opset));
  for (const auto& [key, value] :
       {std::pair{"composition", &model.composition}, std::pair{"role", &model.role}}) {
    ProtobufMessage entry;
    file.message(14, entry.text(1, key).text(2, *value));
  }
  return file.bytes();
}

/// Writes the policy of one of the trainer's agents as an ONNX file; inputs and outputs are those at the top
/// of this header. Error: no such agent, a file that cannot be written.
template <class T>
  requires PolicyCanBeExported<T>
[[gnu::cold]] void export_onnx(const T& trainer, const std::string& path, const ExportOptions& options = {}) {
  write_text_file(path, onnx_bytes(describe_policy(trainer, options.agent), options.name));
}

}  // namespace polis
