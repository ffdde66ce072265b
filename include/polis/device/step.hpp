// From the parts of a gradient to the weights' step, by the blocks of kernels: the sum of the parts, its
// norm, and an optimizer's step of every weight by itself, and of matrices as such (Muon).
#pragma once

#include <type_traits>

#include <polis/device/lanes.hpp>
#include <polis/nn/clip.hpp>
#include <polis/nn/muon.hpp>

namespace polis::internal {

/// Whether a gradient's norm is a number to divide by.
POLIS_HD inline bool is_finite_norm(double norm) { return norm < 1e300; }

/// What kernels of sums and steps need: threads of a block, and floats of shared memory.
inline constexpr int step_threads = 256, step_memory = 2 * step_threads;
/// Weights whose gradient a block sums, several threads a weight.
inline constexpr int summed_weights = 64;

/// Leaves the squares of this block's numbers of a gradient, summed; `of(i)` is the i-th of all.
template <int parameters, class Block, class Of>
POLIS_HD void square_gradient(Block& block, float* memory, const DeviceWeights& w, const Of& of) {
  auto* const squares = reinterpret_cast<double*>(memory + step_threads);
  block.each(summed_weights, [&](int i) {
    const int at = block.index() * summed_weights + i;
    const auto number = static_cast<double>(at < parameters ? of(at) : 0.f);
    squares[i] = number * number;
  });
  sum_in_block(block, squares, summed_weights);
  block.once([&] { w.squares[block.index()] = squares[0]; });
}
/// Adds up the blocks' parts of a gradient in a fixed order, and the squares of the sum; counts the step.
template <int parameters, class Block>
POLIS_HD void sum_gradient(Block& block, float* memory, const DeviceWeights& w, int parts) {
  constexpr int shares = step_threads / summed_weights;  // of each sum, a thread each
  const int first = block.index() * summed_weights;
  block.each(step_threads, [&](int thread) {
    const int at = first + thread % summed_weights;
    float sum = 0;
    for (int part = thread / summed_weights; at < parameters && part < parts; part += shares)
      sum += w.partial[static_cast<std::ptrdiff_t>(part) * parameters + at];
    memory[thread] = sum;
  });
  square_gradient<parameters>(block, memory, w, [&](int at) {
    float sum = 0;
    for (int share = 0; share < shares; ++share) sum += memory[share * summed_weights + at - first];
    return w.gradient[at] = sum;
  });
  if (block.index() == 0) block.once([&] { ++*w.steps; });
}

/// Muon's step of one matrix by one block; see nn/muon.hpp. The matrix is worked on as `tall` rows of
/// `narrow` <= tall numbers, both padded with zeros to multiples of four.
class BlockMuon {
 public:
  static constexpr int threads = step_threads;

  POLIS_HD static int tall(const DeviceMatrix& m) {
    return padded_to_four(m.rows > m.columns ? m.rows : m.columns);
  }
  POLIS_HD static int narrow(const DeviceMatrix& m) {
    return padded_to_four(m.rows > m.columns ? m.columns : m.rows);
  }
  /// Floats of scratch memory: partial sums, two of the whole, three of its square.
  POLIS_HD static int scratch_floats(const DeviceMatrix& m) {
    return 2 * threads + (2 * tall(m) + 3 * narrow(m)) * narrow(m);
  }

  POLIS_HD BlockMuon(const DeviceWeights& w, const DeviceMatrix& matrix)
      : w_(w), m_(matrix), tall_(tall(matrix)), narrow_(narrow(matrix)) {
    norms_ = w.scratch + matrix.scratch;
    y_ = norms_ + 2 * threads, next_ = y_ + tall_ * narrow_;
    gram_ = next_ + tall_ * narrow_, slope_ = gram_ + narrow_ * narrow_,
    polynomial_ = slope_ + narrow_ * narrow_;
  }

  template <class Block>
  POLIS_HD void step(Block& block, const Muon::Config& config, float rate, float gradient_scale) {
    const float keep = config.momentum, take = (1 - keep) * gradient_scale;
    block.each(tall_ * narrow_, [&](int i) { y_[i] = 0; });
    block.each(m_.rows * m_.columns, [&](int i) {
      float& moment = w_.first_moments[m_.at + i];
      const float gradient = take * w_.gradient[m_.at + i];
      moment = without_denormals(math::fma(keep, moment, gradient));
      y_[place(i)] = math::fma(keep, moment, gradient);
    });
    normalize(block);
    for (int i = 0; i < config.iterations; ++i) iterate(block);
    const float shape = static_cast<float>(m_.rows) / static_cast<float>(m_.columns);
    const float by = -rate * math::sqrt(shape > 1 ? shape : 1.f), decay = 1 - rate * config.weight_decay;
    block.each(m_.rows * m_.columns, [&](int i) {
      float& weight = w_.values[m_.at + i];
      weight = math::fma(by, y_[place(i)], decay * weight);
    });
  }

 private:
  POLIS_HD int place(int i) const {
    const int row = i / m_.columns, column = i % m_.columns;
    return m_.rows < m_.columns ? column * narrow_ + row : row * narrow_ + column;
  }
  template <class Block>
  POLIS_HD void normalize(Block& block) {
    auto* const sums = reinterpret_cast<double*>(norms_);
    block.each(threads, [&](int thread) {
      double sum = 0;
      for (int i = thread; i < tall_ * narrow_; i += threads)
        sum += static_cast<double>(y_[i]) * static_cast<double>(y_[i]);
      sums[thread] = sum;
    });
    sum_in_block(block, sums, threads);
    block.each(tall_ * narrow_,
               [&](int i) { y_[i] *= static_cast<float>(1 / (math::sqrt(sums[0]) + 1e-7)); });
  }
  template <class Block>
  POLIS_HD void iterate(Block& block) {
    const float a = newton_schulz[0], b = newton_schulz[1], c = newton_schulz[2];
    // A = Y'Y, then aI + A (bI + cA), both symmetric
    block.each(squares(narrow_), [&](int i) { multiply<true>(i, narrow_, y_, y_, tall_, 0.f, gram_); });
    block.each(narrow_ * narrow_,
               [&](int i) { slope_[i] = c * gram_[i] + (i / narrow_ == i % narrow_ ? b : 0.f); });
    block.each(squares(narrow_),
               [&](int i) { multiply<true>(i, narrow_, gram_, slope_, narrow_, a, polynomial_); });
    block.each(squares(tall_),
               [&](int i) { multiply<false>(i, tall_, y_, polynomial_, narrow_, 0.f, next_); });
    float* const before = y_;
    y_ = next_, next_ = before;
  }
  POLIS_HD int squares(int rows) const { return rows / 4 * (narrow_ / 4); }
  /// Four by four numbers of to[rows][narrow] = diagonal I + left right; left is [length][rows] if `turned`.
  template <bool turned>
  POLIS_HD void multiply(int square, int rows, const float* left, const float* right, int length,
                         float diagonal, float* to) const {
    const int row = square % (rows / 4) * 4, column = square / (rows / 4) * 4;
    float sum[4][4];
    for (int r = 0; r < 4; ++r) {
      for (int q = 0; q < 4; ++q) sum[r][q] = row + r == column + q ? diagonal : 0.f;
    }
    for (int k = 0; k < length; ++k) {
      const Four factor = load_four(right + k * narrow_ + column);
      Four value{};
      if constexpr (turned) {
        value = load_four(left + k * rows + row);
      } else {
        for (int r = 0; r < 4; ++r) value.at[r] = left[(row + r) * narrow_ + k];
      }
      for (int r = 0; r < 4; ++r) {
        for (int q = 0; q < 4; ++q) sum[r][q] += value.at[r] * factor.at[q];
      }
    }
    for (int r = 0; r < 4; ++r) {
      for (int q = 0; q < 4; ++q) to[(row + r) * narrow_ + column + q] = sum[r][q];
    }
  }

  DeviceWeights w_;
  DeviceMatrix m_;
  int tall_, narrow_;
  float *norms_, *y_, *next_, *gram_, *slope_, *polynomial_;
};

/// Whether an optimizer steps some matrices as such, and all else weight by weight.
template <class Optimizer>
inline constexpr bool steps_matrices = std::is_same_v<Optimizer, Muon>;
template <class Optimizer>
POLIS_HD bool in_matrix(const DeviceWeights& w, int i) {
  if constexpr (steps_matrices<Optimizer>) {
    for (int m = 0; m < w.matrix_count; ++m) {
      const DeviceMatrix& matrix = w.matrices[m];
      if (i >= matrix.at && i < matrix.at + matrix.rows * matrix.columns) return true;
    }
  }
  return false;
}

/// The step along the clipped gradient, none along one that is not finite; returns the norm before clipping.
template <class Optimizer, int parameters, class Block>
POLIS_HD double step_along(Block& block, float* memory, const DeviceWeights& w,
                           const typename Optimizer::Config& config, float rate, float limit,
                           int blocks_of_sum) {
  auto* const squares = reinterpret_cast<double*>(memory);
  block.each(step_threads, [&](int thread) {
    double sum = 0;
    for (int i = thread; i < blocks_of_sum; i += step_threads) sum += w.squares[i];
    squares[thread] = sum;
  });
  sum_in_block(block, squares, step_threads);
  const GradientNorm norm = clip_by_norm(squares[0], limit);
  if (!is_finite_norm(norm.norm)) return norm.norm;
  const auto step = Optimizer::step(config, static_cast<double>(*w.steps), rate, norm.scale);
  block.each_of_grid(parameters, [&](int i) {
    if (!in_matrix<Optimizer>(w, i))
      step(w.values[i], w.gradient[i], w.first_moments[i], w.second_moments[i]);
  });
  if constexpr (steps_matrices<Optimizer>) {
    for (int m = block.index(); m < w.matrix_count; m += block.blocks())
      BlockMuon(w, w.matrices[m]).step(block, config, rate, norm.scale);
  }
  return norm.norm;
}

}  // namespace polis::internal
