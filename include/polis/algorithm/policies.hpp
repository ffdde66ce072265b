// Policies: several algorithms side by side, each learning for agents of its own.
//
//     using Market = Policies<For<Buyer, PPO>, For<Seller, PPO::With<Gru<32>>>>;
//     Trainer<Market, MultiAgentEnv<Bazaar>>::Config config;
//     config.algorithm.of(Buyer{}).steps = 64;      // key: algorithm.Buyer.steps
//
// It is itself a learner: each part sees the same tiles of lanes, handles the agents of its role alone, owns
// its buffers, and is due in its own time. No part waits for another, unless both are due.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>

#include <polis/algorithm/learner.hpp>
#include <polis/algorithm/sentence.hpp>
#include <polis/core/word.hpp>
#include <polis/env/roles.hpp>

namespace polis {

/// The agents of the role `RoleTag` learn by `AlgorithmWord`.
template <class RoleTag, class AlgorithmWord>
struct For {
  using Tag = RoleTag;
  using Algorithm = AlgorithmWord;
};

namespace internal {

/// The name of a tag without its namespaces: the key of a part's settings.
template <class T>
constexpr std::string_view unqualified_name() {
#if defined(__GNUC__)
  const std::string_view name = raw_type_name(__PRETTY_FUNCTION__);
  const auto last = name.substr(0, name.find('<')).rfind("::");
  return last == name.npos ? name : name.substr(last + 2);
#else
  return "unknown";
#endif
}

/// The settings of one part.
template <class Part>
struct PartConfig {
  typename Part::Algorithm::Config config{};
};

template <class E, class Arch, class... Parts>
class PoliciesLearner;

}  // namespace internal

/// One algorithm for each role, in any order. Every role of the environment needs exactly one.
template <class... Parts>
struct Policies {
  using word = word::Algorithm;

  /// The settings of every part, `of(Tag{})`; keyed by the name of the part's role.
  struct Config : internal::PartConfig<Parts>... {
    template <class Tag>
    constexpr auto& of(Tag) {
      return of_role<Tag, Parts...>(*this);
    }
    template <class Tag>
    constexpr const auto& of(Tag) const {
      return of_role<Tag, Parts...>(*this);
    }
    static constexpr void fields(auto& self, auto&& visit) {
      (visit(internal::unqualified_name<typename Parts::Tag>(), self.of(typename Parts::Tag{})), ...);
    }

   private:
    template <class Tag, class First, class... Rest>
    static constexpr auto& of_role(auto& self) {
      if constexpr (std::is_same_v<Tag, typename First::Tag>) {
        return self.internal::template PartConfig<First>::config;
      } else {
        static_assert(sizeof...(Rest) > 0, "a role that has a part");
        return of_role<Tag, Rest...>(self);
      }
    }
  };

  template <class E, class Arch>
  using Learner = internal::PoliciesLearner<E, Arch, Parts...>;
};

namespace internal {

/// The learners of the parts, and when each is due.
template <class E, class Arch, class... Parts>
class PoliciesLearner {
  template <class Part>
  using LearnerOf = typename Part::Algorithm::template Learner<
      E, Arch, std::integer_sequence<int, role_index<E, typename Part::Tag>>>;
  static constexpr std::size_t count = sizeof...(Parts);

 public:
  using Config = typename Policies<Parts...>::Config;
  using Memory = std::tuple<typename LearnerOf<Parts>::Memory...>;

  [[gnu::cold]] PoliciesLearner(const Config& config, std::uint64_t seed)
      : parts_(LearnerOf<Parts>(config.of(typename Parts::Tag{}), seed)...) {}

  [[gnu::cold]] void prepare(const MultiAgentEnv<E>& env, int threads) {
    for_each([&](auto& part, std::size_t i) {
      part.prepare(env, threads);
      due_at_[i] = now_ + static_cast<std::uint64_t>(part.interval());
    });
  }
  void act(LaneTile<E>& tile) {
    for_each([&](auto& part, std::size_t) { part.act(tile); });
  }
  void record(LaneTile<E>& tile) {
    for_each([&](auto& part, std::size_t) { part.record(tile); });
  }

  /// Steps until the next part is due.
  [[nodiscard]] int interval() const {
    return static_cast<int>(*std::min_element(due_at_.begin(), due_at_.end()) - now_);
  }
  [[nodiscard]] bool due(const Clock& clock) const {
    return clock.batch_steps >= *std::min_element(due_at_.begin(), due_at_.end());
  }
  /// Updates the parts that are due.
  template <class C>
  void update(BasicServices<C>& services) {
    now_ = services.clock.batch_steps;
    for_each([&](auto& part, std::size_t i) {
      if (!part.due(services.clock)) return;
      part.update(services);
      due_at_[i] = now_ + static_cast<std::uint64_t>(part.interval());
    });
  }

  [[nodiscard, gnu::cold]] Memory memory(int lanes) const {
    return std::apply([lanes](const auto&... part) { return Memory(part.memory(lanes)...); }, parts_);
  }
  void play(LaneTile<E>& tile, Memory& memory, Play how) const {
    [&]<std::size_t... I>(std::index_sequence<I...>) {
      (std::get<I>(parts_).play(tile, std::get<I>(memory), how), ...);
    }(std::make_index_sequence<count>{});
  }

  /// The learner of the role's agents.
  template <class Tag>
  [[nodiscard]] auto& of(Tag) {
    return std::get<position<Tag>()>(parts_);
  }
  template <class Tag>
  [[nodiscard]] const auto& of(Tag) const {
    return std::get<position<Tag>()>(parts_);
  }

  /// The parts' figures, each name behind its role's: "Buyer.entropy".
  [[gnu::cold]] void metrics(auto&& visit) const {
    const auto prefixed = [&visit](std::string_view role) {
      return [&visit, role](const char* name, double value) {
        visit((std::string(role) + '.' + name).c_str(), value);
      };
    };
    [&]<std::size_t... I>(std::index_sequence<I...>) {
      (std::get<I>(parts_).metrics(prefixed(unqualified_name<typename Parts::Tag>())), ...);
    }(std::make_index_sequence<count>{});
  }

  /// Saves or restores the policies alone.
  [[gnu::cold]] void archive_policy(auto& a) {
    for_each([&](auto& part, std::size_t) { part.archive_policy(a); });
  }
  [[gnu::cold]] void archive(auto& a) {
    a.section("policies");
    a(now_, due_at_);
    for_each([&](auto& part, std::size_t) { a(part); });
  }

 private:
  template <class Tag>
  static constexpr std::size_t position() {
    std::size_t at = 0;
    (void)(... || (std::is_same_v<Tag, typename Parts::Tag> || (++at, false)));
    return at;
  }

  template <class F>
  void for_each(F&& f) {
    [&]<std::size_t... I>(std::index_sequence<I...>) {
      (f(std::get<I>(parts_), I), ...);
    }(std::make_index_sequence<count>{});
  }

  std::tuple<LearnerOf<Parts>...> parts_;
  std::array<std::uint64_t, count> due_at_{};  // in steps of the batch
  std::uint64_t now_ = 0;                      // when a part last learnt
};

}  // namespace internal
}  // namespace polis
