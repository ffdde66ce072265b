// Muon against singular value decompositions by Eigen, and against AdamW where it hands over.
#include <doctest/doctest.h>

#define EIGEN_DONT_VECTORIZE  // g++ 12 takes its own AVX-512 intrinsics for uses of uninitialised registers
#include <eigen3/Eigen/SVD>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include <polis/core/archive.hpp>
#include <polis/core/error.hpp>
#include <polis/core/random.hpp>
#include <polis/nn/muon.hpp>

namespace test_muon {

using namespace polis;
using Matrix = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using Svd = Eigen::JacobiSVD<Eigen::MatrixXd>;

static_assert(Optimizer<Muon>);

Matrix random_matrix(int rows, int columns, std::uint32_t number) {
  Random random(4, 0, number, 0, Purpose::test);
  Matrix m(rows, columns);
  for (Eigen::Index i = 0; i < m.size(); ++i) m.data()[i] = random.normal();
  return m;
}

Block matrix_block(const Matrix& m, BlockKind kind = BlockKind::hidden_weight) {
  return {"0.weight", static_cast<int>(m.rows()), static_cast<int>(m.cols()), kind, 0};
}

std::span<float> span_of(Matrix& m) { return {m.data(), static_cast<std::size_t>(m.size())}; }

/// What one step of a new optimizer with learning rate 1 takes from a matrix of zeros.
Matrix first_step(const Matrix& gradient, float gradient_scale = 1) {
  Muon muon({.learning_rate = 1}, static_cast<std::size_t>(gradient.size()));
  Matrix weights = Matrix::Zero(gradient.rows(), gradient.cols()), g = gradient;
  muon.begin_step();
  muon.update<Simd>(matrix_block(g), 0, span_of(weights), span_of(g), 1.f, gradient_scale);
  return -weights;
}

/// The scale of a step of rows x columns.
double shape_scale(const Matrix& m) {
  return std::sqrt(std::max(1., static_cast<double>(m.rows()) / static_cast<double>(m.cols())));
}

/// What five steps of the quintic make of a singular value that is `x` of the norm.
double quintic(double x) {
  for (int i = 0; i < 5; ++i) x = 3.4445 * x - 4.7750 * std::pow(x, 3) + 2.0315 * std::pow(x, 5);
  return x;
}

/// U phi(S) V' of u = U S V', computed in double precision: what the iteration is equal to.
Eigen::MatrixXd reference(const Matrix& u) {
  const Svd svd(u.cast<double>(), Eigen::ComputeThinU | Eigen::ComputeThinV);
  const Eigen::VectorXd values =
      (svd.singularValues() / u.cast<double>().norm()).unaryExpr([](double x) { return quintic(x); });
  return svd.matrixU() * values.asDiagonal() * svd.matrixV().transpose();
}

/// Weights after `steps` steps from the same start, along gradients that depend on the step.
struct Run {
  Layout layout;
  std::vector<float> weights;
  Muon muon;

  explicit Run(const Muon::Config& config)
      : layout(blocks()), weights(total_size(layout), .1f), muon(config, total_size(layout)) {}
  static Layout blocks() {
    Layout layout;
    append(layout, "0.weight", 20, 7, BlockKind::hidden_weight);
    append(layout, "0.bias", 20, 1, BlockKind::bias);
    append(layout, "recurrent.weight", 9, 33, BlockKind::recurrent_weight);
    append(layout, "1.weight", 4, 20, BlockKind::output_weight);
    append(layout, "log_std", 3, 1, BlockKind::free);
    return layout;
  }
  void steps(int first, int last) {
    std::vector<float> gradient(weights.size());
    for (int step = first; step < last; ++step) {
      Random random(6, static_cast<std::uint64_t>(step), 0, 0, Purpose::test);
      for (float& g : gradient) g = random.normal();
      update_all<Simd>(muon, layout, weights, gradient, .01f / static_cast<float>(1 + step), .5f);
    }
  }
};

}  // namespace test_muon

TEST_CASE("nn/muon: a step is the orthogonalised gradient, whatever its shape") {
  using namespace test_muon;
  std::uint32_t number = 0;
  for (const auto& shape : {std::pair(64, 64), {64, 4}, {3, 64}, {192, 64}, {17, 33}, {1, 1}}) {
    CAPTURE(shape.first);
    CAPTURE(shape.second);
    const Matrix gradient = random_matrix(shape.first, shape.second, ++number);
    const Eigen::MatrixXd step = first_step(gradient).cast<double>() / shape_scale(gradient);
    CHECK((step - reference(gradient)).cwiseAbs().maxCoeff() < 2e-5);
    const Svd svd(gradient.cast<double>());
    const Eigen::VectorXd values = Svd(step).singularValues();
    // A normal matrix has singular values below .0017 of its norm only where it is large and square.
    if (svd.singularValues().minCoeff() < .0017 * gradient.cast<double>().norm()) continue;
    CHECK(values.minCoeff() > .68);
    CHECK(values.maxCoeff() < 1.21);
  }
}

TEST_CASE("nn/muon: the direction depends on the gradient's own, not on its length") {
  using namespace test_muon;
  const Matrix gradient = random_matrix(12, 30, 20);
  const Matrix step = first_step(gradient);
  CHECK((first_step(1e3f * gradient) - step).cwiseAbs().maxCoeff() < 1e-5f);
  CHECK((first_step(gradient, .25f) - step).cwiseAbs().maxCoeff() < 1e-5f);
  const Matrix none = Matrix::Zero(12, 30);
  CHECK(first_step(none) == none);
}

TEST_CASE("nn/muon: momentum is Nesterov's, decay beside it") {
  using namespace test_muon;
  const Muon::Config config{.learning_rate = .1f, .momentum = .8f, .weight_decay = .3f};
  Matrix weights = random_matrix(10, 6, 30);
  Eigen::MatrixXd expected = weights.cast<double>();
  Muon muon(config, 60);
  Matrix gradients[2] = {random_matrix(10, 6, 31), random_matrix(10, 6, 32)};
  Matrix momentum = Matrix::Zero(10, 6);
  for (Matrix& g : gradients) {
    momentum = .8f * momentum + .2f * g;
    expected = (1 - .1 * .3) * expected - .1 * shape_scale(g) * reference(.8f * momentum + .2f * g);
    muon.begin_step();
    muon.update<Simd>(matrix_block(g), 0, span_of(weights), span_of(g), .1f, 1.f);
  }
  CHECK((weights.cast<double>() - expected).cwiseAbs().maxCoeff() < 1e-5);
}

TEST_CASE("nn/muon: hidden and recurrent matrices alone; all else as AdamW, on the same schedule") {
  using namespace test_muon;
  const AdamW::Config adamw{.learning_rate = 1e-3f, .weight_decay = .1f};
  for (const BlockKind kind : {BlockKind::hidden_weight, BlockKind::recurrent_weight,
                               BlockKind::output_weight, BlockKind::bias, BlockKind::free}) {
    Matrix weights = random_matrix(6, 5, 40), same = weights, g = random_matrix(6, 5, 41);
    Muon muon({.learning_rate = .02f, .adamw = adamw}, 30);
    AdamW other(adamw, 30);
    muon.begin_step(), other.begin_step();
    muon.update<Simd>(matrix_block(g, kind), 0, span_of(weights), span_of(g), .01f, .5f);  // half of .02
    other.update<Simd>(matrix_block(g, kind), 0, span_of(same), span_of(g), .5e-3f, .5f);
    const bool matrix = kind == BlockKind::hidden_weight || kind == BlockKind::recurrent_weight;
    CHECK((weights - same).cwiseAbs().maxCoeff() < (matrix ? 1.f : 1e-7f));
    CHECK(((weights - same).cwiseAbs().maxCoeff() > 1e-4f) == matrix);
  }
}

TEST_CASE("nn/muon: repeats bit for bit, from an archive too") {
  using namespace test_muon;
  Run whole({}), again({}), resumed({});
  whole.steps(0, 6);
  again.steps(0, 6);
  CHECK(whole.weights == again.weights);
  Run half({});
  half.steps(0, 3);
  ArchiveWriter writer;
  half.muon.archive(writer);
  ArchiveReader reader(writer.bytes());
  resumed.muon.archive(reader);
  resumed.weights = half.weights;
  resumed.steps(3, 6);
  CHECK(resumed.weights == whole.weights);
  Run fresh({});
  fresh.weights = half.weights;
  fresh.steps(3, 6);
  CHECK(fresh.weights != whole.weights);  // the state matters
}

TEST_CASE("nn/muon: finds a matrix by gradient descent") {
  using namespace test_muon;
  const Matrix target = random_matrix(8, 24, 50);
  Matrix weights = Matrix::Zero(8, 24);
  Muon muon({}, 192);
  const Block block = matrix_block(weights);
  for (int step = 0; step < 600; ++step) {
    Matrix g = weights - target;
    muon.begin_step();
    muon.update<Simd>(block, 0, span_of(weights), span_of(g), .05f * (1.f - static_cast<float>(step) / 600),
                      1.f);
  }
  CHECK((weights - target).norm() < .02f * target.norm());
}

TEST_CASE("nn/muon: settings that make no sense are refused") {
  using namespace test_muon;
  CHECK_THROWS_WITH_AS(Muon({.learning_rate = 0}, 1), doctest::Contains("optimizer.learning_rate"), Error);
  CHECK_THROWS_WITH_AS(Muon({.iterations = 0}, 1), doctest::Contains("optimizer.iterations"), Error);
}
