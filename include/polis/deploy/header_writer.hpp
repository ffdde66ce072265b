// The text of an exported header, from the plain data of a policy. What it comes to is described in
// header.hpp; the functions that it may need are in header_pieces.hpp.
#pragma once

#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <polis/deploy/header_pieces.hpp>
#include <polis/deploy/model.hpp>

namespace polis::internal {

/// The shortest literal that reads back as the same float.
[[nodiscard]] inline std::string float_literal(float value) {
  std::array<char, 32> text{};
  const auto end = std::to_chars(text.data(), text.data() + text.size(), value).ptr;
  std::string literal(text.data(), end);
  if (literal.find_first_of(".e") == literal.npos) literal += '.';
  return literal += 'f';
}

/// Writes the header of one policy, piece by piece.
class HeaderWriter {
 public:
  HeaderWriter(const PolicyModel& model, const std::string& name) : model_(model), name_(name) {}

  [[nodiscard]] std::string write() {
    write_opening();
    write_types();
    text_ += "namespace internal {\n\n";
    write_weights();
    write_pieces();
    text_ += "}  // namespace internal\n\n";
    write_outputs();
    write_act();
    text_ += "}  // namespace " + name_ + '\n';
    return std::move(text_);
  }

 private:
  using Text = std::string;
  static Text number(int value) { return std::to_string(value); }
  static Text array(const Text& type, int count) {
    return "std::array<" + type + ", " + std::to_string(count) + ">";
  }
  void line(const Text& text) { text_ += text + '\n'; }

  // ---- What a reader sees first

  void write_opening() {
    line("// A policy trained by polis, exported as a header without dependencies (C++17).");
    write_comment(model_.composition);
    write_comment("role " + model_.role + ", " + agents());
    line("//");
    if (model_.recurrent())
      line("//     " + name_ + "::State state;  // one for each agent; state.reset() when an episode begins");
    line("//     " + name_ + "::Action action = " + name_ + "::act(" + arguments() + ");");
    line("#pragma once");
    line("");
    line("#include <array>");
    line("#include <cmath>");
    line("");
    line("namespace " + name_ + " {");
    line("");
  }
  /// In lines of at most 110 columns, broken behind commas.
  void write_comment(Text comment) {
    constexpr std::size_t most = 100;
    while (comment.size() > most) {
      const std::size_t comma = comment.rfind(',', most - 1);
      const std::size_t length = comma == comment.npos ? most : comma + 1;
      line("//   " + comment.substr(0, length));
      comment.erase(0, length);
    }
    line("//   " + comment);
  }
  [[nodiscard]] Text agents() const {
    Text text = model_.agents.size() == 1 ? "agent" : "agents";
    for (const int agent : model_.agents) text += ' ' + number(agent);
    return text;
  }
  /// What `act` is called with.
  [[nodiscard]] Text arguments() const {
    Text text = "observation";
    if (model_.recurrent()) text += ", state";
    if (model_.flags() > 0) text += ", legal";
    return text;
  }
  [[nodiscard]] Text parameters(bool legal) const {
    Text text = "const Observation& observation";
    if (model_.recurrent()) text += ", State& state";
    if (legal && model_.flags() > 0) text += ", const Legal& legal";
    return text;
  }

  void write_types() {
    line("/// What the environment's `observe` writes, as it writes it" +
         Text(model_.normalized() ? "; normalised here." : "."));
    line("using Observation = " + array("float", model_.words()) + ";");
    line("");
    line("/// What the environment's `step` receives.");
    write_action_type(model_.action, "Action");
    line("");
    if (model_.flags() > 0) {
      line("/// Which actions are legal; one at least.");
      line("using Legal = " + array("bool", model_.flags()) + ";");
      line("");
    }
    line("/// The network's outputs: " + Text(outputs_are()) + '.');
    line("using Outputs = " + array("float", model_.outputs()) + ";");
    line("");
    if (!model_.recurrent()) return;
    line("/// What the policy remembers of the episode so far.");
    line("struct State {");
    line("  " + array("float", model_.gru.width) + " hidden{};");
    line("  void reset() { hidden.fill(0); }");
    line("};");
    line("");
  }
  [[nodiscard]] std::string_view outputs_are() const {
    if (model_.heads.size() > 1) return "those of each part of the action, one after the other";
    return head_text(model_.heads.front().kind).outputs;
  }
  /// Structs of a tuple's elements come first, named by their place: Action1, Action1_0.
  void write_action_type(const ActionModel& action, const Text& name) {
    if (action.kind != SpaceKind::tuple) {
      line("using " + name + " = " + action_type(action) + ";");
      return;
    }
    for (std::size_t i = 0; i < action.elements.size(); ++i) {
      if (action.elements[i].kind == SpaceKind::tuple)
        write_action_type(action.elements[i], element_type(name, i));
    }
    line("struct " + name + " {");
    for (std::size_t i = 0; i < action.elements.size(); ++i) {
      const ActionModel& element = action.elements[i];
      const bool tuple = element.kind == SpaceKind::tuple;
      line("  " + (tuple ? element_type(name, i) : action_type(element)) + " element" + std::to_string(i) +
           ";");
    }
    line("};");
  }
  [[nodiscard]] static Text element_type(const Text& name, std::size_t i) {
    return name + (name == "Action" ? "" : "_") + std::to_string(i);
  }
  [[nodiscard]] static Text action_type(const ActionModel& action) {
    if (action.kind == SpaceKind::discrete) return "int";
    return array(action.kind == SpaceKind::multi_discrete ? "int" : "float", action.words);
  }

  // ---- Weights

  void write_weights() {
    if (model_.normalized()) {
      write_vector("mean", model_.mean);
      write_vector("inverse_deviation", model_.inverse_deviation);
    }
    if (model_.recurrent()) {
      write_dense("input", model_.gru.input);
      write_dense("recurrent", model_.gru.recurrent);
    }
    for (std::size_t i = 0; i < model_.layers.size(); ++i)
      write_dense("layer" + std::to_string(i), model_.layers[i]);
    for (std::size_t i = 0; i < model_.heads.size(); ++i) {
      if (model_.heads[i].low.empty()) continue;
      write_vector("low" + std::to_string(i), model_.heads[i].low);
      write_vector("high" + std::to_string(i), model_.heads[i].high);
    }
    line("");
  }
  void write_dense(const Text& name, const DenseModel& layer) {
    line("inline constexpr float " + name + "_weight[" + number(layer.inputs) + "][" + number(layer.outputs) +
         "] = {");
    for (int i = 0; i < layer.inputs; ++i) {
      std::vector<float> column;
      for (int o = 0; o < layer.outputs; ++o)
        column.push_back(layer.weight[static_cast<std::size_t>(o * layer.inputs + i)]);
      write_numbers("    {", column, i + 1 < layer.inputs ? "}," : "}};");
    }
    write_vector(name + "_bias", layer.bias);
  }
  void write_vector(const Text& name, const std::vector<float>& values) {
    line("inline constexpr float " + name + '[' + std::to_string(values.size()) + "] = {");
    write_numbers("    ", values, "};");
  }
  /// Numbers in lines of at most 110 columns.
  void write_numbers(const Text& before, const std::vector<float>& values, const Text& after) {
    constexpr std::size_t columns = 110;
    Text row = before;
    for (std::size_t i = 0; i < values.size(); ++i) {
      const Text next = float_literal(values[i]) + (i + 1 < values.size() ? "," : after);
      if (row.size() + 1 + next.size() > columns) {
        line(row);
        row = "    ";
      }
      if (row.back() != ' ' && row.back() != '{') row += ' ';
      row += next;
    }
    line(row);
  }

  // ---- Code

  /// The functions that the policy uses, each behind those that it calls.
  void write_pieces() {
    const auto activates = [this](ActivationKind kind) {
      return std::any_of(model_.layers.begin(), model_.layers.end(),
                         [kind](const DenseModel& layer) { return layer.activation == kind; });
    };
    const auto reads = [this](HeadKind kind) {
      return std::any_of(model_.heads.begin(), model_.heads.end(),
                         [kind](const HeadModel& head) { return head.kind == kind; });
    };
    const auto write = [this](bool used, std::string_view piece) { text_ += used ? piece : ""; };
    const bool indices = std::any_of(model_.categories.begin(), model_.categories.end(),
                                     [](int categories) { return categories > 0; });
    const bool recurrent = model_.recurrent(), silu = activates(ActivationKind::silu);
    namespace pieces = header_pieces;
    write(true, pieces::fma);
    write(true, pieces::dense);
    write(recurrent || activates(ActivationKind::tanh) || reads(HeadKind::squash), pieces::tanh);
    write(recurrent || silu, pieces::sigmoid);
    write(activates(ActivationKind::relu), pieces::relu);
    write(silu, pieces::silu);
    write(indices, pieces::one_hot);
    write(recurrent, pieces::gru);
    write(bounded(model_.action), pieces::clip);
    write(reads(HeadKind::beta_mean) || reads(HeadKind::dirichlet_mean), pieces::concentration);
    for (const HeadKind kind : {HeadKind::argmax, HeadKind::identity, HeadKind::squash, HeadKind::beta_mean,
                                HeadKind::log_ratio_softmax, HeadKind::dirichlet_mean}) {
      const bool masked = kind == HeadKind::argmax && model_.masked;
      write(reads(kind), masked ? pieces::argmax_legal : head_text(kind).code);
    }
  }
  [[nodiscard]] static bool bounded(const ActionModel& action) {
    bool any = !action.low.empty();
    for (const ActionModel& element : action.elements) any = any || bounded(element);
    return any;
  }

  void write_outputs() {
    line("inline Outputs outputs(" + parameters(false) + ") {");
    Text at = write_features();
    if (model_.recurrent()) {
      line("  internal::gru(internal::input_weight, internal::input_bias, internal::recurrent_weight,");
      line("                internal::recurrent_bias, " + at + ", state.hidden.data());");
      at = "state.hidden.data()";
    }
    for (std::size_t i = 0; i < model_.layers.size(); ++i) {
      const DenseModel& layer = model_.layers[i];
      const Text name = "layer" + std::to_string(i);
      const bool last = i + 1 == model_.layers.size();
      const Text to = last ? "outputs" : "hidden" + std::to_string(i);
      line(last ? "  Outputs outputs;" : "  float " + to + '[' + number(layer.outputs) + "];");
      const Text data = last ? "outputs.data()" : to;
      line("  internal::dense(internal::" + name + "_weight, internal::" + name + "_bias, " + at + ", " +
           data + ");");
      if (layer.activation != ActivationKind::none)
        line("  for (float& value : " + to + ") value = internal::" + activation(layer) + "(value);");
      at = to;
    }
    line("  return outputs;");
    line("}");
    line("");
  }
  [[nodiscard]] static Text activation(const DenseModel& layer) {
    switch (layer.activation) {
      case ActivationKind::tanh:
        return "tanh";
      case ActivationKind::relu:
        return "relu";
      case ActivationKind::silu:
        return "silu";
      case ActivationKind::none:
        break;
    }
    return "";
  }
  /// Makes the network's inputs; returns what they are called.
  Text write_features() {
    bool plain = !model_.normalized();
    for (const int categories : model_.categories) plain = plain && categories == 0;
    if (plain) return "observation.data()";
    line("  float features[" + number(model_.features()) + "];");
    if (model_.normalized()) {
      const Text clip = float_literal(model_.clip);
      line("  for (unsigned i = 0; i < " + number(model_.words()) + "; ++i) {");
      line("    const float scaled = (observation[i] - internal::mean[i]) * internal::inverse_deviation[i];");
      line("    features[i] = std::fmin(std::fmax(scaled, -" + clip + "), " + clip + ");");
      line("  }");
      return "features";
    }
    int feature = 0;
    for (std::size_t word = 0; word < model_.categories.size(); ++word) {
      const int categories = model_.categories[word];
      const Text from = "observation[" + std::to_string(word) + ']';
      if (categories == 0) {
        line("  features[" + number(feature) + "] = " + from + ';');
      } else {
        line("  internal::one_hot(" + from + ", " + number(categories) + ", features + " + number(feature) +
             ");");
      }
      feature += categories == 0 ? 1 : categories;
    }
    return "features";
  }

  void write_act() {
    line("/// The greedy action.");
    line("inline Action act(" + parameters(true) + ") {");
    line("  const Outputs y = outputs(observation" + Text(model_.recurrent() ? ", state" : "") + ");");
    line("  float words[" + number(model_.action.words) + "];  // the action as polis stores it");
    int input = 0, flag = 0, word = 0;
    for (std::size_t i = 0; i < model_.heads.size(); ++i) {
      const HeadModel& head = model_.heads[i];
      const bool masked = head.kind == HeadKind::argmax && model_.masked;
      Text arguments = at("y.data()", input);
      if (masked) arguments += ", " + at("legal.data()", flag);
      if (!head.low.empty()) arguments += ", " + bound("low", i) + ", " + bound("high", i);
      arguments += ", " + number(head.inputs) + ", " + at("words", word);
      line("  internal::" + Text(head_text(head.kind).name) + '(' + arguments + ");");
      input += head.inputs;
      flag += masked ? head.inputs : 0;
      word += head.words;
    }
    word = 0;
    line("  return " + value(model_.action, word) + ';');
    line("}");
    line("");
  }
  [[nodiscard]] static Text at(const Text& array, int offset) {
    return offset == 0 ? array : array + " + " + number(offset);
  }
  [[nodiscard]] static Text bound(const Text& which, std::size_t head) {
    return "internal::" + which + std::to_string(head);
  }
  /// The expression that makes an action of its words, from word `at` on.
  [[nodiscard]] static Text value(const ActionModel& action, int& at) {
    if (action.kind == SpaceKind::discrete) return index_at(at++);
    Text list;
    const auto add = [&list](const Text& item) { list += (list.empty() ? "" : ", ") + item; };
    if (action.kind == SpaceKind::tuple) {
      for (const ActionModel& element : action.elements) add(value(element, at));
      return '{' + list + '}';
    }
    for (std::size_t i = 0; i < static_cast<std::size_t>(action.words); ++i) {
      const int word = at++;
      const Text plain = "words[" + number(word) + ']';
      if (action.kind == SpaceKind::multi_discrete) {
        add(index_at(word));
      } else if (!action.low.empty()) {
        add("internal::clip(" + plain + ", " + float_literal(action.low[i]) + ", " +
            float_literal(action.high[i]) + ')');
      } else {
        add(plain);
      }
    }
    return "{{" + list + "}}";
  }
  [[nodiscard]] static Text index_at(int word) { return "static_cast<int>(words[" + number(word) + "])"; }

  const PolicyModel& model_;
  const std::string& name_;
  std::string text_;
};

}  // namespace polis::internal
