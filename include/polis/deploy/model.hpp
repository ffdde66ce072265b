// A trained policy as plain data: what every export format is written from.
//
// A policy that plays greedily is a short list of steps: numbers of an observation become features, features
// go through layers, and each part of an action is read off some of the outputs. The writers of formats know
// this list and nothing of the library's types; describe.hpp makes it from a trainer.
#pragma once

#include <string>
#include <vector>

#include <polis/space/space.hpp>

namespace polis {

/// What a hidden layer does to each of its sums.
enum class ActivationKind { none, tanh, relu, silu };

/// y = activation(W x + b), W row-major [outputs][inputs].
struct DenseModel {
  int inputs = 0, outputs = 0;
  ActivationKind activation = ActivationKind::none;
  std::vector<float> weight, bias;
};

/// A gated recurrent unit (the equations of nn/gru.hpp), its gates stacked r, z, n. Both layers are linear.
struct GruModel {
  int width = 0;
  DenseModel input, recurrent;
};

/// How the mode of a distribution is read off a network's outputs.
enum class HeadKind {
  argmax,             ///< the index of the largest of `inputs` logits, the first of equals, among legal ones
  identity,           ///< the outputs themselves: means
  squash,             ///< middle + half-length tanh(y) of bounds
  beta_mean,          ///< alpha / (alpha + beta) between bounds; all alphas, then all betas: 1 + softplus(y)
  log_ratio_softmax,  ///< shares softmax(y, 0): one more than there are inputs
  dirichlet_mean,     ///< shares of concentrations 1 + softplus(y)
};

/// One part of a distribution: `inputs` outputs of the network make `words` numbers of the action.
struct HeadModel {
  HeadKind kind = HeadKind::identity;
  int inputs = 0, words = 0;
  std::vector<float> low, high;  ///< [words], of the kinds that have bounds
};

/// The shape of an action, and the bounds between which the environment receives it (empty: unbounded).
struct ActionModel {
  SpaceKind kind = SpaceKind::box;
  int words = 0;
  std::vector<int> sizes;             ///< numbers of choices, where words are indices
  std::vector<float> low, high;       ///< [words]
  std::vector<ActionModel> elements;  ///< of a tuple
};

/// Everything a greedy policy is made of.
struct PolicyModel {
  std::string composition;      ///< the trainer's name
  std::string role;             ///< the name of the agents' role
  std::vector<int> agents;      ///< the numbers of the agents that these weights act for
  std::vector<int> categories;  ///< [observation words]: 0 for a number, N for an index below N
  bool masked = false;          ///< whether the environment says which actions are legal

  std::vector<float> mean, inverse_deviation;  ///< [features]; empty: observations are not normalised
  float clip = 0;                              ///< bound on normalised features

  GruModel gru;                    ///< before the layers; width 0: none
  std::vector<DenseModel> layers;  ///< the last one is linear
  std::vector<HeadModel> heads;
  ActionModel action;

  [[nodiscard]] int words() const { return static_cast<int>(categories.size()); }
  [[nodiscard]] int features() const { return gru.width > 0 ? gru.input.inputs : layers.front().inputs; }
  [[nodiscard]] int outputs() const { return layers.back().outputs; }
  [[nodiscard]] bool recurrent() const { return gru.width > 0; }
  [[nodiscard]] bool normalized() const { return !mean.empty(); }
  /// Flags of legality that one decision takes: one for each logit of an index.
  [[nodiscard]] int flags() const {
    int count = 0;
    for (const HeadModel& head : heads) count += masked && head.kind == HeadKind::argmax ? head.inputs : 0;
    return count;
  }
};

/// What to export, and under which name.
struct ExportOptions {
  std::string name = "policy";  ///< the namespace of a header, the name of an ONNX graph
  int agent = 0;                ///< the number of the agent whose policy it is
};

}  // namespace polis
