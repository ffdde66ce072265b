// What policies decide on ten thousand observations, and how far an export is from it.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <string>
#include <vector>

#include <polis/core/tile.hpp>
#include <polis/deploy/model.hpp>

namespace polis_test {

using namespace polis;

/// What a policy is shown and what it answers, [step][row]: `rows` agents side by side, all of which begin an
/// episode every `episode` steps.
struct Decisions {
  static constexpr int rows = tile_rows, steps = 157, episode = 50;
  std::vector<float> observations;  // [words]
  std::vector<float> legal;         // [flags], where the environment has them
  std::vector<float> outputs;       // the network's
  std::vector<float> actions;       // as the environment receives them, one after the other
  static constexpr std::size_t count = static_cast<std::size_t>(rows) * steps;
};

/// How far an export is from the library: the largest difference of outputs and of actions that are numbers,
/// relative to what is larger than one; and indices that differ though their outputs do not nearly tie.
struct Difference {
  double outputs = 0, actions = 0;
  int indices = 0, ties = 0;
};
inline Difference compare(const PolicyModel& model, const Decisions& ours, const std::vector<float>& outputs,
                          const std::vector<float>& actions, double tie) {
  Difference found;
  const auto relative = [](float here, float there) {
    const double x = static_cast<double>(here), y = static_cast<double>(there);
    return std::isnan(y) ? INFINITY : std::abs(x - y) / std::max(1., std::abs(x));
  };
  for (std::size_t i = 0; i < ours.outputs.size(); ++i)
    found.outputs = std::max(found.outputs, relative(ours.outputs[i], outputs[i]));
  const auto width = static_cast<std::size_t>(model.outputs());
  std::size_t word = 0;
  for (std::size_t row = 0; row < Decisions::count; ++row) {
    std::size_t input = row * width;
    for (const HeadModel& head : model.heads) {
      for (int i = 0; i < head.words; ++i, ++word) {
        const float a = ours.actions[word], b = actions[word];
        if (head.kind != HeadKind::argmax) {
          found.actions = std::max(found.actions, relative(a, b));
        } else if (!(a == b)) {
          const bool inside = b >= 0 && b < static_cast<float>(head.inputs);
          const float x = ours.outputs[input + static_cast<std::size_t>(a)];
          const float y = inside ? ours.outputs[input + static_cast<std::size_t>(b)] : INFINITY;
          ++(relative(x, y) <= tie ? found.ties : found.indices);
        }
      }
      input += static_cast<std::size_t>(head.inputs);
    }
  }
  return found;
}

/// A trained policy as plain data, and what the library decides by it.
struct Case {
  std::string name;
  PolicyModel model;
  Decisions decisions;
};

/// Every kind of network, normalisation, observation and action; defined in describe.cpp.
const std::vector<Case>& cases();

}  // namespace polis_test
