// Population-based training (Jaderberg et al. 2017, "Population based training of neural networks"): trainers
// side by side, of which now and then the worst take over a better one's state (exploit) with its settings
// changed a little (explore). So settings follow a schedule that nobody has to know beforehand.
//
//     using Agents = Trainer<PPO, MultiAgentEnv<CartPole>>;
//     Population<Agents> population({.members = 8}, {{"algorithm.optimizer.learning_rate", 1e-5, 1e-2}});
//     population.train(1'000'000);  // steps of each member
//
// `Population<Agents, Mpi>` shares the members out over the ranks of an MPI job (polis/mpi.hpp): each has
// some of them whole, and what is taken over travels as an archive. The results are the same bits on any
// number of ranks, and in one process, where members take turns.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <polis/collective/local.hpp>
#include <polis/core/archive.hpp>
#include <polis/core/error.hpp>
#include <polis/core/fields.hpp>
#include <polis/core/random.hpp>
#include <polis/core/text.hpp>
#include <polis/train/checkpoint.hpp>
#include <polis/train/interrupt.hpp>
#include <polis/train/ranks.hpp>

namespace polis {

/// A setting that the members of a population differ in: its key among those of a trainer, and its bounds,
/// both above 0. Members begin with values drawn evenly on the scale of logarithms between them.
struct Explored {
  std::string key;
  double low = 0, high = 0;
};

/// A member that took over from another.
struct Takeover {
  int round = 0;                          ///< the comparison, from 1
  int from = 0, to = 0;                   ///< the better member, and the one whose place its copy takes
  double from_score = 0, to_score = 0;    ///< mean returns
  std::vector<double> settings_before{};  ///< of the one replaced, in the order of `explored`
  std::vector<double> settings{};         ///< that it goes on with
  void archive(auto& a) { a(round, from, to, from_score, to_score, settings_before, settings); }
};

/// Trainers of the type `T`, whose own collective is Local.
template <class T, Communicator C = Local>
class Population {
 public:
  static_assert(!T::Ranks::distributed, "the population owns the ranks; its members are local");

  struct Config {
    std::uint64_t seed = 1;
    int members = 8;                 ///< on all ranks together
    std::uint64_t interval = 50000;  ///< environment steps of each member between two comparisons
    int episodes = 20;               ///< by whose mean return members are compared; 0: the last in training
    float replaced = .25f;           ///< share that takes over from as many of the best; at most a half
    float factor = 1.25f;            ///< an explored setting is multiplied or divided by it
    typename T::Config member{};     ///< of every member; the k-th has this seed + k
    static void fields(auto& self, auto&& visit) {
      visit("seed", self.seed);
      visit("members", self.members);
      visit("interval", self.interval);
      visit("episodes", self.episodes);
      visit("replaced", self.replaced);
      visit("factor", self.factor);
      visit("member", self.member);
    }
  };

  /// Error: settings out of their range, members that the ranks cannot share out evenly, a key that a trainer
  /// does not have or whose value is no number.
  [[gnu::cold]] Population(Config config, std::vector<Explored> explored, typename T::Dataset data = {},
                           C collective = {})
      : config_(std::move(config)),
        explored_(std::move(explored)),
        data_(std::move(data)),
        collective_(std::move(collective)) {
    check();
    const int own = config_.members / collective_.ranks();
    first_ = own * collective_.rank();
    for (int i = 0; i < own; ++i) {
      members_.push_back({this, first_ + i, first_settings(first_ + i), nullptr});
      members_.back().make();
    }
    scores_.assign(static_cast<std::size_t>(config_.members), -std::numeric_limits<double>::infinity());
  }
  Population(const Population&) = delete;
  Population& operator=(const Population&) = delete;
  [[gnu::cold]] ~Population() = default;

  /// Trains every member for `steps` environment steps (resumed ones included), comparing after each
  /// interval; a request to stop ends it at the next comparison. A schedule in the members' settings stays at
  /// its start: exploring takes its place. Over several ranks an exception ends them all.
  [[gnu::cold]] void train(std::uint64_t steps) {
    internal::on_every_rank(collective_, [this, steps] {
      while (static_cast<std::uint64_t>(round_) * config_.interval < steps) {
        compare(std::min(steps, static_cast<std::uint64_t>(round_ + 1) * config_.interval));
        if (internal::any_rank(collective_, stop_requested())) break;
      }
    });
  }

  [[nodiscard]] const Config& config() const { return config_; }
  [[nodiscard]] const C& collective() const { return collective_; }
  /// Comparisons so far.
  [[nodiscard]] int round() const { return round_; }
  /// Mean returns of all members at the last comparison, before any was replaced.
  [[nodiscard]] const std::vector<double>& scores() const { return scores_; }
  /// The member with the best of these, the lowest of several.
  [[nodiscard]] int best() const { return ranking().front(); }
  /// All that took over from another, in the order of rounds.
  [[nodiscard]] const std::vector<Takeover>& takeovers() const { return takeovers_; }

  /// Whether a member is this rank's.
  [[nodiscard]] bool owns(int member) const {
    return member >= first_ && member < first_ + static_cast<int>(members_.size());
  }
  /// A member of this rank. Error: it is another's.
  [[nodiscard]] T& member(int number) { return *own(number).trainer; }
  /// What it explores, in the order of the keys. Error: it is another rank's.
  [[nodiscard]] const std::vector<double>& settings(int number) { return own(number).settings; }

  /// Writes all members to one file, and goes on from it, on any number of ranks. Errors as Trainer's.
  [[gnu::cold]] void save(const std::string& path) {
    ArchiveWriter writer(ArchiveUse::whole, internal::archive_ranks(collective_));
    archive(writer);
    internal::from_first_rank(collective_, [&]() -> std::vector<std::byte> {
      write_checkpoint(path, name(), writer.bytes());
      return {};
    });
  }
  [[gnu::cold]] void resume(const std::string& path) {
    const auto bytes = internal::from_first_rank(collective_, [&] { return read_checkpoint(path, name()); });
    ArchiveReader reader(bytes, internal::archive_ranks(collective_));
    archive(reader);
    reader.finish();
  }
  [[nodiscard, gnu::cold]] static std::string name() { return "population of " + T::name(); }

  [[gnu::cold]] void archive(auto& a) {
    a.section("population");
    internal::archive_same(a, name(), "members", config_.members);
    internal::archive_same(a, name(), "seed", config_.seed);
    a(round_, scores_, takeovers_);
    // Each member is a whole for itself, whose lanes are not spread: an archive in the archive.
    std::vector<std::vector<std::byte>> states(members_.size());
    if constexpr (!std::remove_reference_t<decltype(a)>::is_reader) {
      for (std::size_t i = 0; i < members_.size(); ++i) states[i] = to_bytes(members_[i]);
    }
    a.spread(states);
    if constexpr (std::remove_reference_t<decltype(a)>::is_reader) {
      for (std::size_t i = 0; i < members_.size(); ++i) from_bytes(states[i], members_[i]);
    }
  }

 private:
  struct Member {
    Population* population;
    int number;
    std::vector<double> settings;
    std::unique_ptr<T> trainer;

    /// A fresh trainer with these settings.
    [[gnu::cold]] void make() {
      typename T::Config config = population->config_.member;
      config.seed += static_cast<std::uint64_t>(number);
      const auto fields = list_fields(config);
      for (std::size_t i = 0; i < settings.size(); ++i)
        find_field(fields, population->explored_[i].key).set(concat({settings[i]}));
      trainer = std::make_unique<T>(std::move(config), population->data_);
    }
    [[gnu::cold]] void archive(auto& a) {
      a(settings);
      if constexpr (std::remove_reference_t<decltype(a)>::is_reader) make();
      trainer->archive_progress(a);
    }
  };

  [[gnu::cold]] void check() const {
    const auto require = [](bool holds, auto found, const char* key, const std::string& expected) {
      if (!holds) throw Error(concat({"found ", found}), concat({"population.", key}), expected);
    };
    require(config_.members >= 2, config_.members, "members", "at least 2");
    require(config_.members % collective_.ranks() == 0, config_.members, "members",
            concat({"a multiple of the ", collective_.ranks(), " ranks"}));
    require(config_.interval > 0, config_.interval, "interval", "at least 1");
    require(config_.episodes >= 0, config_.episodes, "episodes", "no less than 0");
    require(config_.replaced >= 0 && config_.replaced <= .5f, config_.replaced, "replaced", "from 0 to .5");
    require(config_.factor >= 1, config_.factor, "factor", "at least 1");
    for (const Explored& setting : explored_) {
      require(setting.low > 0 && setting.high >= setting.low, setting.low, setting.key.c_str(),
              "bounds above 0, the lower one first");
    }
  }

  [[nodiscard]] Random random(int round, int member) const {
    return {config_.seed, static_cast<std::uint32_t>(round), static_cast<std::uint32_t>(member), 0,
            Purpose::population};
  }
  [[nodiscard, gnu::cold]] std::vector<double> first_settings(int member) const {
    Random draws = random(0, member);
    std::vector<double> values;
    for (const Explored& setting : explored_) {
      const double share = static_cast<double>(draws.uniform());
      values.push_back(setting.low * std::pow(setting.high / setting.low, share));
    }
    return values;
  }

  [[nodiscard]] Member& own(int number) {
    if (owns(number)) return members_[static_cast<std::size_t>(number - first_)];
    throw Error(concat({"member ", number, " is not of rank ", collective_.rank()}), "Population",
                concat({first_, " to ", first_ + static_cast<int>(members_.size()) - 1}));
  }

  /// Members from the best to the worst; of equals the lower number first.
  [[nodiscard]] std::vector<int> ranking() const {
    std::vector<int> order(scores_.size());
    for (std::size_t i = 0; i < order.size(); ++i) order[i] = static_cast<int>(i);
    std::stable_sort(order.begin(), order.end(), [this](int a, int b) {
      return scores_[static_cast<std::size_t>(a)] > scores_[static_cast<std::size_t>(b)];
    });
    return order;
  }

  /// Trains the members up to so many steps, compares them, and replaces the worst.
  [[gnu::cold]] void compare(std::uint64_t steps) {
    std::fill(scores_.begin(), scores_.end(), 0.);
    for (Member& member : members_) {
      T& trainer = *member.trainer;
      while (trainer.clock().steps < steps) trainer.iterate();
      const double score =
          config_.episodes > 0 ? trainer.evaluate(config_.episodes).mean : trainer.episodes().mean_return();
      // Without an episode a member is the worst; infinite scores would not survive the sum of others' zeros.
      scores_[static_cast<std::size_t>(member.number)] =
          std::isfinite(score) ? score : std::numeric_limits<double>::lowest();
    }
    collective_.sum(std::span<double>(scores_));
    ++round_;
    const std::vector<int> order = ranking();
    const int pairs = std::min(static_cast<int>(config_.replaced * static_cast<float>(config_.members) + .5f),
                               config_.members / 2);
    for (int i = 0; i < pairs; ++i) {
      const int to = order[static_cast<std::size_t>(config_.members - 1 - i)];
      Random draws = random(round_, to);
      const int from = order[static_cast<std::size_t>(draws.integer(pairs))];
      if (score(from) > score(to)) take_over(from, to, draws);
    }
  }
  [[nodiscard]] double score(int member) const { return scores_[static_cast<std::size_t>(member)]; }

  /// Puts a copy of one member in the place of another, with its settings changed.
  [[gnu::cold]] void take_over(int from, int to, Random& draws) {
    const int each = static_cast<int>(members_.size());
    Takeover takeover{
        .round = round_, .from = from, .to = to, .from_score = score(from), .to_score = score(to)};
    std::vector<std::byte> message;
    if (owns(from)) message = to_bytes(own(from));
    collective_.broadcast(message, from / each);
    ArchiveReader reader(message);
    reader(takeover.settings);
    for (std::size_t i = 0; i < explored_.size(); ++i) {
      const double factor = static_cast<double>(config_.factor);
      const double changed = takeover.settings[i] * (draws.integer(2) == 0 ? factor : 1 / factor);
      takeover.settings[i] = std::clamp(changed, explored_[i].low, explored_[i].high);
    }
    std::vector<std::byte> before;
    if (owns(to)) {
      Member& member = own(to);
      before = to_bytes(member.settings);
      member.settings = takeover.settings;
      member.make();
      member.trainer->archive_progress(reader);
      reader.finish();
    }
    collective_.broadcast(before, to / each);
    from_bytes(before, takeover.settings_before);
    takeovers_.push_back(std::move(takeover));
  }

  Config config_;
  std::vector<Explored> explored_;
  typename T::Dataset data_;
  C collective_;
  int first_ = 0;
  std::vector<Member> members_;  // of this rank
  int round_ = 0;
  std::vector<double> scores_;  // [member]
  std::vector<Takeover> takeovers_;
};

}  // namespace polis
