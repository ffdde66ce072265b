// Spaces: their sizes, the elements that words stand for, and the features they give a network.
#include <doctest/doctest.h>

#include <concepts>
#include <cstddef>
#include <limits>
#include <type_traits>
#include <vector>

#include <polis/space/space.hpp>

namespace test_space {

using namespace polis;

struct Bounded : Box<2> {
  static constexpr float low = -1, high = 2;
};
struct BoundedEach : Box<3> {
  static constexpr Array<float, 3> low{{-1, 0, 5}}, high{{1, .5f, 6}};
};
struct HalfBounded : Box<1> {
  static constexpr float low = 0;
};
struct IntegerBounds : Box<1> {
  static constexpr int low = -3, high = 3;
};

using Order = Tuple<Discrete<3>, Bounded, MultiDiscrete<2, 4>, Tuple<Simplex<2>, Discrete<5>>>;

struct NoElement {
  static constexpr SpaceKind kind = SpaceKind::box;
  static constexpr int words = 1, features = 1;
};
struct NoFeatures {
  using Element = float;
  static constexpr SpaceKind kind = SpaceKind::box;
  static constexpr int words = 1;
};
struct KindOfAnotherType {
  using Element = float;
  static constexpr const char* kind = "box";
  static constexpr int words = 1, features = 1;
};

static_assert(Space<Box<3>> && Space<Box<0>> && Space<Discrete<2>> && Space<MultiDiscrete<2, 3>> &&
              Space<Simplex<4>> && Space<Order> && Space<Tuple<>> && Space<Bounded>);
static_assert(!Space<int> && !Space<NoElement> && !Space<NoFeatures> && !Space<KindOfAnotherType>);
static_assert(BoundedSpace<Bounded> && BoundedSpace<BoundedEach> && BoundedSpace<IntegerBounds>);
static_assert(!BoundedSpace<Box<2>> && !BoundedSpace<HalfBounded> && !BoundedSpace<Discrete<2>>);

static_assert(Box<3>::words == 3 && Box<3>::features == 3);
static_assert(Discrete<7>::words == 1 && Discrete<7>::features == 7);
static_assert(MultiDiscrete<2, 3, 4>::words == 3 && MultiDiscrete<2, 3, 4>::features == 9);
static_assert(MultiDiscrete<2, 3, 4>::sizes == Array<int, 3>{{2, 3, 4}});
static_assert(Simplex<4>::words == 4 && Simplex<4>::features == 4);
static_assert(Order::words == 1 + 2 + 2 + (2 + 1) && Order::features == 3 + 2 + 6 + (2 + 5));
static_assert(Tuple<>::words == 0 && Tuple<>::features == 0);

static_assert(stored_as_features<Box<3>> && stored_as_features<Bounded> && stored_as_features<Simplex<3>>);
static_assert(!stored_as_features<Discrete<3>> && !stored_as_features<Order>);

static_assert(std::same_as<Box<3>::Element, Array<float, 3>> && std::same_as<Discrete<3>::Element, int>);
static_assert(std::same_as<MultiDiscrete<2, 3>::Element, Array<int, 2>>);
static_assert(std::is_trivially_copyable_v<Order::Element> && std::is_aggregate_v<Order::Element>);

template <Space S>
typename S::Element decoded(const std::vector<float>& words) {
  REQUIRE(words.size() == S::words);
  return decode<S>(In<float>{words.data()});
}

template <Space S>
std::vector<float> expanded(const std::vector<float>& words) {
  REQUIRE(words.size() == S::words);
  std::vector<float> features(S::features, -7.f);
  expand<S>(In<float>{words.data()}, Out<float>{features.data()});
  return features;
}

TEST_CASE("space/space: a box takes its words as they are, a bounded one clips them") {
  CHECK(decoded<Box<3>>({1, -100, 3}) == Array<float, 3>{{1, -100, 3}});
  CHECK(decoded<Bounded>({-4, 7}) == Array<float, 2>{{-1, 2}});
  CHECK(decoded<Bounded>({-.5f, 1.5f}) == Array<float, 2>{{-.5f, 1.5f}});
  CHECK(decoded<BoundedEach>({-4, 7, 2}) == Array<float, 3>{{-1, .5f, 5}});
  CHECK(decoded<HalfBounded>({-4}) == Array<float, 1>{{-4}});
  CHECK(decoded<IntegerBounds>({9}) == Array<float, 1>{{3}});
  const float infinity = std::numeric_limits<float>::infinity();
  CHECK(decoded<Bounded>({-infinity, infinity}) == Array<float, 2>{{-1, 2}});
}

TEST_CASE("space/space: indices, shares and tuples of them") {
  for (int index = 0; index < 4; ++index) CHECK(decoded<Discrete<4>>({static_cast<float>(index)}) == index);
  CHECK(decoded<Discrete<(1 << 24)>>({16777215.f}) == 16777215);
  CHECK(decoded<MultiDiscrete<2, 4>>({1, 3}) == Array<int, 2>{{1, 3}});
  CHECK(decoded<Simplex<3>>({.25f, .5f, .25f}) == Array<float, 3>{{.25f, .5f, .25f}});

  const auto order = decoded<Order>({2, -4, 1.5f, 1, 3, .125f, .875f, 4});
  CHECK(order.get<0>() == 2);
  CHECK(order.get<1>() == Array<float, 2>{{-1, 1.5f}});
  CHECK(order.get<2>() == Array<int, 2>{{1, 3}});
  CHECK(order.get<3>().get<0>() == Array<float, 2>{{.125f, .875f}});
  CHECK(order.get<3>().get<1>() == 4);
}

TEST_CASE("space/space: the elements of a tuple are written through get") {
  Order::Element order{};
  order.get<0>() = 1;
  order.get<3>().get<1>() = 3;
  const Order::Element& read = order;
  CHECK(read.first == 1);
  CHECK(read.get<3>().get<1>() == 3);
  CHECK(read.get<1>() == Array<float, 2>{{0, 0}});
}

TEST_CASE("space/space: indices become one-hot features, numbers stay") {
  CHECK(expanded<Discrete<3>>({0}) == std::vector<float>{1, 0, 0});
  CHECK(expanded<Discrete<3>>({2}) == std::vector<float>{0, 0, 1});
  CHECK(expanded<MultiDiscrete<2, 3>>({1, 0}) == std::vector<float>{0, 1, 1, 0, 0});
  CHECK(expanded<Box<2>>({-3, 9}) == std::vector<float>{-3, 9});
  CHECK(expanded<Bounded>({-3, 9}) == std::vector<float>{-3, 9});
  CHECK(expanded<Simplex<2>>({.25f, .75f}) == std::vector<float>{.25f, .75f});
  CHECK(expanded<Order>({2, -.5f, 1.5f, 1, 3, .125f, .875f, 4}) ==
        std::vector<float>{0, 0, 1, -.5f, 1.5f, 0, 1, 0, 0, 0, 1, .125f, .875f, 0, 0, 0, 0, 1});
}

TEST_CASE("space/space: words and features may lie apart, as in a tile") {
  constexpr int words = Order::words, features = Order::features;
  const std::vector<float> element{2, -4, 1.5f, 1, 3, .125f, .875f, 4};
  std::vector<float> tile(words * tile_rows, 99.f), out(features * tile_rows, 99.f);
  const int row = 5;
  for (int i = 0; i < words; ++i) {
    tile[static_cast<std::size_t>(i * tile_rows + row)] = element[static_cast<std::size_t>(i)];
  }
  const In<float> in{tile.data() + row, tile_rows};
  CHECK(decode<Order>(in).get<3>().get<1>() == 4);
  CHECK(decode<Order>(in).get<1>() == Array<float, 2>{{-1, 1.5f}});
  expand<Order>(in, Out<float>{out.data() + row, tile_rows});
  const std::vector<float> expected = expanded<Order>(element);
  int written = 0;
  for (int i = 0; i < features * tile_rows; ++i) {
    const float value = out[static_cast<std::size_t>(i)];
    if (i % tile_rows == row) {
      CHECK(value == expected[static_cast<std::size_t>(i / tile_rows)]);
      ++written;
    } else {
      REQUIRE(value == 99.f);
    }
  }
  CHECK(written == features);
}

}  // namespace test_space
