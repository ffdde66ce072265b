// Muon (Jordan 2024, "Muon: an optimizer for hidden layers in neural networks"): momentum, made orthogonal.
//
//   m = b m + (1 - b) g    u = b m + (1 - b) g    w -= lr sqrt(max(1, rows / columns)) orthogonal(u)
//
// u looks ahead by Nesterov's momentum. orthogonal(u) is close to U V' of the singular value decomposition
// u = U S V', so that every direction of a hidden matrix moves at the same speed. It is reached by five steps
// of a Newton-Schulz iteration from u divided by its Frobenius norm,
//
//   Y <- Y (3.4445 I - 4.7750 A + 2.0315 A^2),  A = Y'Y
//
// whose coefficients give up exactness for a steep start: singular values above .0017 of the norm end between
// .68 and 1.21. Vectors and output layers have no such geometry and take AdamW.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>

#include <polis/core/aligned.hpp>
#include <polis/core/array.hpp>
#include <polis/core/error.hpp>
#include <polis/core/flat.hpp>
#include <polis/core/gemm_block.hpp>
#include <polis/core/math.hpp>
#include <polis/core/platform.hpp>
#include <polis/core/text.hpp>
#include <polis/core/word.hpp>
#include <polis/nn/adam.hpp>
#include <polis/nn/layout.hpp>
#include <polis/nn/optimizer.hpp>

namespace polis {

namespace internal {

/// The coefficients above.
inline constexpr Array<float, 3> newton_schulz{3.4445f, -4.7750f, 2.0315f};

/// Memory of the calling thread, kept between calls, so that the steady state allocates nothing.
inline float* muon_scratch(std::size_t floats) {
  thread_local AlignedVector<float> memory;
  if (memory.size() < floats) memory.resize(floats);
  return memory.data();
}

/// The orthogonalisation of a matrix, kept as `tall` rows of `narrow` <= tall numbers: a matrix with fewer
/// rows than columns is turned. Rows are padded with zeros to whole registers.
template <class Arch>
class NewtonSchulz {
 public:
  NewtonSchulz(int rows, int columns)
      : rows_(rows), columns_(columns), tall_(std::max(rows, columns)), narrow_(std::min(rows, columns)) {
    const std::size_t whole = floats(tall_), square = floats(narrow_);
    y_ = muon_scratch(2 * whole + 3 * square), next_ = y_ + whole;
    gram_ = next_ + whole, slope_ = gram_ + square, polynomial_ = slope_ + square;
    std::fill_n(y_, whole, 0.f);
  }

  /// f(element, i) for each element of the matrix, whose place in row-major order is i.
  template <class F>
  void for_each(const F& f) {
    const bool turned = rows_ < columns_;
    const int row_step = turned ? 1 : stride_, column_step = turned ? stride_ : 1;
    std::size_t i = 0;
    for (int row = 0; row < rows_; ++row) {
      for (int column = 0; column < columns_; ++column) f(y_[row * row_step + column * column_step], i++);
    }
  }

  void orthogonalise(int iterations) {
    const double norm = std::sqrt(squared_norm({y_, floats(tall_)}));
    scale<Arch>({y_, floats(tall_)}, static_cast<float>(1 / (norm + 1e-7)));
    for (int i = 0; i < iterations; ++i) iterate();
  }

 private:
  static constexpr int width = batch_width<Batch<Arch>>;
  static constexpr float a = newton_schulz[0], b = newton_schulz[1], c = newton_schulz[2];

  [[nodiscard]] std::size_t floats(int rows) const {
    return static_cast<std::size_t>(rows) * static_cast<std::size_t>(stride_);
  }

  void iterate() {
    std::fill_n(polynomial_, floats(narrow_), 0.f);
    // A = Y'Y
    multiply_into(gram_, y_, 1, stride_, y_, tall_, narrow_, Start::zero);
    for (std::size_t i = 0; i < floats(narrow_); ++i) slope_[i] = c * gram_[i];
    for (int i = 0; i < narrow_; ++i) {
      slope_[i * stride_ + i] += b;
      polynomial_[i * stride_ + i] = a;
    }
    // aI + A (bI + cA)
    multiply_into(polynomial_, gram_, stride_, 1, slope_, narrow_, narrow_, Start::result);
    multiply_into(next_, y_, stride_, 1, polynomial_, narrow_, tall_, Start::zero);
    std::swap(y_, next_);
  }

  /// `rows` rows of to = left right, or to += left right; element (m, k) of left at m * row + k * step.
  void multiply_into(float* to, const float* left, int row, int step, const float* right, int length,
                     int rows, Start start) const {
    multiply<Arch>({.a = left,
                    .a_row = row,
                    .a_step = step,
                    .b = right,
                    .b_row = stride_,
                    .c = to,
                    .c_row = stride_,
                    .length = length,
                    .start = start},
                   0, rows, stride_ / width);
  }

  int rows_, columns_, tall_, narrow_;
  int stride_ = (narrow_ + width - 1) / width * width;
  float *y_, *next_;                    // [tall][stride]
  float *gram_, *slope_, *polynomial_;  // [narrow][stride]
};

}  // namespace internal

/// Muon for hidden and recurrent matrices, AdamW for all else. The stacked gates of a recurrent layer are one
/// matrix.
class Muon {
 public:
  using word = word::Optimizer;

  struct Config {
    float learning_rate = .02f;  ///< of matrices: about the spectral norm of a step
    float momentum = .95f;
    int iterations = 5;  ///< of Newton and Schulz
    float weight_decay = 0;
    AdamW::Config adamw{.weight_decay = 0};  ///< of all else; its learning rate follows the same schedule

    static constexpr void fields(auto& self, auto&& visit) {
      visit("learning_rate", self.learning_rate);
      visit("momentum", self.momentum);
      visit("iterations", self.iterations);
      visit("weight_decay", self.weight_decay);
      visit("adamw", self.adamw);
    }
  };

  /// Error: a learning rate of zero, to which the other one could not be in proportion, or no iteration.
  Muon(const Config& config, std::size_t parameters)
      : config_(checked(config)), adamw_(config.adamw, parameters) {}

  void begin_step() { adamw_.begin_step(); }

  /// Whether a block is a matrix to be stepped as such.
  static bool orthogonalises(const Block& block) {
    return block.kind == BlockKind::hidden_weight || block.kind == BlockKind::recurrent_weight;
  }
  /// The step of one weight of all else; see AdamW::step.
  [[nodiscard]] POLIS_HD static AdamW::Step step(const Config& config, double steps, float learning_rate,
                                                 float gradient_scale) {
    return AdamW::step(config.adamw, steps, rate_of_adamw(config, learning_rate), gradient_scale);
  }

  template <class Arch>
  void update(const Block& block, std::size_t offset, std::span<float> weights,
              std::span<const float> gradient, float learning_rate, float gradient_scale) {
    if (orthogonalises(block)) {
      step_matrix<Arch>(block, offset, weights, gradient, learning_rate, gradient_scale);
    } else {
      adamw_.template update<Arch>(block, offset, weights, gradient, rate_of_adamw(config_, learning_rate),
                                   gradient_scale);
    }
  }

  /// AdamW's, for a device that goes on from here; those of matrices are their momentum.
  [[nodiscard]] std::uint64_t& steps() { return adamw_.steps(); }
  [[nodiscard]] std::span<float> first_moments() { return adamw_.first_moments(); }
  [[nodiscard]] std::span<float> second_moments() { return adamw_.second_moments(); }

  void archive(auto& a) { a(adamw_); }

 private:
  POLIS_HD static float rate_of_adamw(const Config& config, float learning_rate) {
    return learning_rate / config.learning_rate * config.adamw.learning_rate;
  }
  template <class Arch>
  [[gnu::noinline]] void step_matrix(const Block& block, std::size_t offset, std::span<float> weights,
                                     std::span<const float> gradient, float learning_rate,
                                     float gradient_scale) {
    using Register = Batch<Arch>;
    const Register keep(config_.momentum), take((1 - config_.momentum) * gradient_scale);
    float* const moment = adamw_.first_moments().data() + offset;
    map_registers<Arch>(
        weights.size(),
        [&](const Register& g, Register& m) {
          m = internal::without_denormals(multiply_add<Arch>(keep, m, take * g));
        },
        gradient.data(), moment);
    internal::NewtonSchulz<Arch> direction(block.rows, block.columns);
    direction.for_each([&](float& u, std::size_t i) {
      u = math::fma(config_.momentum, moment[i], (1 - config_.momentum) * gradient_scale * gradient[i]);
    });
    direction.orthogonalise(config_.iterations);
    const float shape = static_cast<float>(block.rows) / static_cast<float>(block.columns);
    const float rate = -learning_rate * std::sqrt(std::max(1.f, shape));
    const float decay = 1 - learning_rate * config_.weight_decay;
    direction.for_each([&](float& u, std::size_t i) { weights[i] = math::fma(rate, u, decay * weights[i]); });
  }

  [[gnu::cold, gnu::noinline]] static const Config& checked(const Config& config) {
    if (!(config.learning_rate > 0)) {
      throw Error(concat({"found ", config.learning_rate}), "optimizer.learning_rate", "a number above 0");
    }
    if (config.iterations < 1) {
      throw Error(concat({"found ", config.iterations}), "optimizer.iterations", "at least 1");
    }
    return config;
  }

  Config config_;
  AdamW adamw_;  // its first moments of matrices, which it does not step, are their momentum
};

}  // namespace polis
