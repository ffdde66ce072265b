// Trainer: an algorithm, an environment, a curriculum and a device, composed as types; values say how much.
//
//     Trainer<PPO, MultiAgentEnv<Trading>, Curriculum<Adaptive>> trainer({.seed = 7});
//     trainer.train(2'000'000);
//     trainer.evaluate(200).print();
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <polis/core/archive.hpp>
#include <polis/core/error.hpp>
#include <polis/core/fields.hpp>
#include <polis/core/text.hpp>
#include <polis/core/thread_pool.hpp>
#include <polis/train/checkpoint.hpp>
#include <polis/train/composition.hpp>
#include <polis/train/episode_window.hpp>
#include <polis/train/evaluation.hpp>
#include <polis/train/interrupt.hpp>
#include <polis/train/lane_tiles.hpp>
#include <polis/train/metrics.hpp>
#include <polis/train/plans.hpp>
#include <polis/train/ranks.hpp>

namespace polis {

/// The arguments, in any order: an algorithm, MultiAgentEnv<E>, and optionally Curriculum<...>, Device<...>
/// and Collective<...>. Over several ranks all of them call the same functions in the same order, `evaluate`
/// and what only reads apart; an exception in `train` ends them all.
template <class... Words>
  requires SoundComposition<Words...>
class Trainer {
 public:
  using Algorithm = internal::AlgorithmOf<Words...>;
  using Environment = internal::EnvironmentOf<Words...>;
  using CurriculumWord = internal::CurriculumOf<Words...>;
  using DeviceType = internal::DeviceOf<Words...>;
  using Arch = typename DeviceType::Arch;
  using Ranks = internal::CollectiveOf<Words...>;
  using Learner = typename Algorithm::template Learner<Environment, Arch>;
  using Batch = MultiAgentEnv<Environment>;
  using Dataset = DatasetOf<Environment>;
  static_assert(polis::Learner<Learner, Environment>);

  struct Config {
    std::uint64_t seed = 1;
    int lanes = 64;   ///< copies of the environment, on all ranks together
    int threads = 0;  ///< of each rank; 0: one per core; results do not depend on it
    ConfigOf<Environment> env{};
    typename Algorithm::Config algorithm{};
    typename CurriculumWord::Config curriculum{};
    EvaluationPlan evaluation{};
    CheckpointPlan checkpoint{};
    static void fields(auto& self, auto&& visit) {
      visit("seed", self.seed);
      visit("lanes", self.lanes);
      visit("threads", self.threads);
      visit("env", self.env);
      visit("algorithm", self.algorithm);
      visit("curriculum", self.curriculum);
      visit("evaluation", self.evaluation);
      visit("checkpoint", self.checkpoint);
    }
  };

  /// `data` is a view that stays the caller's. Error: settings out of their range.
  [[gnu::cold]] explicit Trainer(Config config = {}, Dataset data = {}, Ranks ranks = {})
      : config_(std::move(config)),
        ranks_(std::move(ranks)),
        pool_(internal::threads_of_rank(ranks_, config_.threads)),
        lanes_(make_lanes(std::move(data))),
        learner_(config_.algorithm, config_.seed),
        curriculum_(make_curriculum()) {
    if constexpr (ComparesLanes<Learner>) lanes_.begin_alike(learner_.group());
    learner_.prepare(lanes_, pool_.threads());
    tiles_ = make_tiles();
    lanes_.reset(tasks());
  }
  Trainer(const Trainer&) = delete;
  Trainer& operator=(const Trainer&) = delete;
  [[gnu::cold]] ~Trainer() = default;

  /// The composition by its resolved words, as checkpoints and logs name it.
  [[nodiscard, gnu::cold, gnu::noinline]] static std::string name() {
    std::string name = type_name<typename internal::SentenceOf<Algorithm>::type>();
    name.append(" on ").append(type_name<Environment>()).append(" by ").append(type_name<CurriculumWord>());
    return name;
  }

  /// Adds a sink for metrics, those of all ranks; it must outlive the trainer's training. Rank 0 alone writes
  /// to it.
  void add_sink(Sink& sink) {
    if (ranks_.rank() == 0) sinks_.push_back(&sink);
  }

  /// Trains until the clock shows `steps` environment steps (those of all lanes, resumed ones included), in
  /// whole collections; until Ctrl-C where StopOnInterrupt is in force; or as the evaluation plan says.
  [[gnu::cold]] TrainingEnd train(std::uint64_t steps) {
    return internal::on_every_rank(ranks_, [this, steps] { return train_on(steps); });
  }

  /// Collects until the learner is due and updates it once, without metrics, evaluation or checkpoints.
  void iterate() {
    hand_over();
    advance();
    take_back();
  }

  /// Plays this many episodes of the last stage in fresh lanes, without learning.
  [[nodiscard, gnu::cold]] EvaluationResult evaluate(int episodes, Play how = Play::greedy) const {
    Batch env = evaluation_lanes(episodes, config_.env, lanes_.data());
    return run_episodes(env, episodes, player(env.lanes(), how));
  }

  /// The table of a suite (train/suites.hpp), this many episodes a row:
  /// `evaluate(Robustness{.noise = {.1f}}, 200).print()`. A suite is any type with `run(trainer, episodes)`.
  template <class Suite>
  [[nodiscard]] auto evaluate(const Suite& suite, int episodes) const {
    return suite.run(*this, episodes);
  }

  /// Fresh lanes for this many episodes, with random numbers that training does not see.
  [[nodiscard, gnu::cold]] Batch evaluation_lanes(int episodes, const ConfigOf<Environment>& env,
                                                  Dataset data) const {
    return Batch(std::clamp(episodes, 1, tile_rows), config_.seed + evaluation_seed, env, std::move(data));
  }

  /// The current policy as a function of a tile, for run_episodes in an environment of the caller's.
  [[nodiscard]] auto player(int lanes, Play how = Play::greedy) const {
    return [this, how, memory = learner_.memory(lanes)](LaneTile<Environment>& tile) mutable {
      learner_.play(tile, memory, how);
    };
  }

  /// Writes all that the next step depends on. Errors: see write_checkpoint; the file before stays as it was.
  /// A replay's own file (Mapped) goes along with the run's one checkpoint, at the plan's path or else the
  /// first that was saved to or resumed; a checkpoint elsewhere holds the whole replay itself.
  [[gnu::cold]] void save(const std::string& path) {
    if (checkpoint_.empty()) checkpoint_ = path;
    save(path, path == checkpoint_ ? ArchiveUse::checkpoint : ArchiveUse::whole);
  }

  /// Continues a saved run: training goes on bit by bit as if it had not stopped. Errors: see
  /// read_checkpoint, and another number of lanes.
  [[gnu::cold]] void resume(const std::string& path) {
    const auto bytes = internal::from_first_rank(ranks_, [&] { return read_checkpoint(path, name()); });
    ArchiveReader reader(bytes, internal::archive_ranks(ranks_));
    archive(reader);
    reader.finish();
    if (checkpoint_.empty()) checkpoint_ = path;
  }

  [[nodiscard]] const Config& config() const { return config_; }
  [[nodiscard]] const Clock& clock() const { return clock_; }
  [[nodiscard]] double seconds() const { return seconds_; }
  [[nodiscard]] Learner& learner() { return learner_; }
  [[nodiscard]] const Learner& learner() const { return learner_; }
  [[nodiscard]] const auto& curriculum() const { return curriculum_; }
  /// This rank's lanes.
  [[nodiscard]] Batch& lanes() { return lanes_; }
  [[nodiscard]] const Batch& lanes() const { return lanes_; }
  [[nodiscard]] const Ranks& ranks() const { return ranks_; }
  /// What runs in place of the CPU, with the rollout in its memory; on the CPU an empty struct.
  [[nodiscard]] auto& device() { return device_; }
  [[nodiscard]] const EpisodeWindow& episodes() const { return window_; }

  /// Cuts off the episodes under way and begins new ones. With a task all episodes from now on have it, and
  /// the curriculum rests; checkpoints do not keep it.
  [[gnu::cold]] void restart(std::optional<TaskOf<Environment>> task = {}) {
    task_ = std::move(task);
    lanes_.reset(tasks());
  }

  /// Saves or restores everything; see `save` and `resume`.
  [[gnu::cold]] void archive(auto& a) {
    a.section("trainer");
    internal::archive_same(a, name(), "lanes", config_.lanes);
    internal::archive_same(a, name(), "seed", config_.seed);
    archive_progress(a);
  }
  /// The same for a run with as many lanes, of any seed and settings, that goes on from here.
  [[gnu::cold]] void archive_progress(auto& a) {
    a(clock_, seconds_, evaluations_, lanes_, learner_, curriculum_, window_);
  }

 private:
  static constexpr std::uint64_t evaluation_seed = 0x9E3779B97F4A7C15u;  // of an evaluation's lanes

  static int group_of(int lanes) {
    return std::clamp(tile_rows / agent_count<Environment>, 1, std::min(tile_rows, lanes));
  }
  [[nodiscard, gnu::cold]] internal::LaneTiles<Environment> make_tiles() const {
    const int lanes = lanes_.lanes();
    if constexpr (ShapesTiles<Learner>) {
      return {lanes, learner_.tile_lanes(), 1};
    } else {
      return {lanes, std::min(group_of(config_.lanes), lanes), pool_.threads()};
    }
  }
  [[nodiscard, gnu::cold]] Batch make_lanes(Dataset data) const {
    const int lanes = internal::lanes_of_rank(ranks_, config_.lanes);
    return Batch(lanes, config_.seed, config_.env, std::move(data),
                 static_cast<std::uint32_t>(lanes * ranks_.rank()));
  }
  static std::chrono::steady_clock::time_point now() { return std::chrono::steady_clock::now(); }
  static double elapsed(std::chrono::steady_clock::time_point since) {
    return std::chrono::duration<double>(now() - since).count();
  }

  // A device works on what it was handed, and lanes and learner here stand still until it is taken back.
  void hand_over() {
    if constexpr (DeviceType::offloads && Ranks::distributed) device_.runtime().join(ranks_);
    if constexpr (DeviceType::offloads)
      device_.begin(lanes_, std::span(learner_.agents().data(), learner_.agents().size()));
  }
  void take_back() {
    if constexpr (DeviceType::offloads)
      device_.settle(lanes_, std::span(learner_.agents().data(), learner_.agents().size()));
  }
  void advance() {
    const int steps = collected_ = learner_.interval();
    const std::uint64_t begun = clock_.batch_steps;
    const auto pass = [this, steps] {
      clock_.batch_steps += static_cast<std::uint64_t>(steps);
      clock_.steps += static_cast<std::uint64_t>(steps) * static_cast<std::uint64_t>(config_.lanes);
    };
    const auto ended = [this](const auto& episode) {
      if constexpr (Ranks::distributed) {
        episodes_.add(episode);
      } else {
        count(episode);
      }
    };
    if constexpr (DeviceType::offloads) {
      pass();
      device_.iterate(std::span(learner_.agents().data(), learner_.agents().size()), begun, clock_,
                      curriculum_.sampler(), group_of(config_.lanes), ended);
    } else {
      pool_.region([&](Region& region) {
        const auto start = now();
        if constexpr (ComparesLanes<Learner>) lanes_.reset(tasks());
        region.parallel(tiles_.count(), 100. * steps * tiles_.lanes(),
                        [this, begun, steps](int tile, int worker) {
                          internal::collect(lanes_, learner_, tiles_[tile], worker, begun, steps, tasks());
                        });
        collecting_ = elapsed(start);
        pass();
        BasicServices<Ranks> services{region, clock_, &ranks_};
        if (learner_.due(clock_)) learner_.update(services);
      });
      tiles_.take_episodes(ended);
    }
    if constexpr (Ranks::distributed)
      for (const Episode& episode : episodes_.exchange(ranks_, group_of(config_.lanes))) count(episode);
    if constexpr (requires { curriculum_.settle(); }) curriculum_.settle();
  }

  [[gnu::cold]] TrainingEnd train_on(std::uint64_t steps) {
    clock_.planned = steps;
    hand_over();
    for (Sink* sink : sinks_) sink->open(info());
    TrainingEnd end = TrainingEnd::finished;
    auto saved = now();
    while (clock_.steps < steps && end == TrainingEnd::finished) {
      const auto start = now();
      advance();
      seconds_ += elapsed(start);
      if (!sinks_.empty()) report(elapsed(start));
      if (evaluations_.due(config_.evaluation, clock_.steps)) end = evaluate_periodically();
      if (internal::any_rank(ranks_, stop_requested())) end = TrainingEnd::interrupted;
      const double unsaved = internal::of_first_rank(ranks_, elapsed(saved));
      if (!config_.checkpoint.path.empty() && unsaved >= config_.checkpoint.seconds) {
        take_back();
        save(config_.checkpoint.path);
        saved = now();
      }
    }
    take_back();
    if (!config_.checkpoint.path.empty()) save(config_.checkpoint.path);
    for (Sink* sink : sinks_) sink->close();
    return end;
  }

  [[nodiscard]] auto make_curriculum() const {
    int stages = 1;
    if constexpr (HasStages<Environment>) stages = Environment::stages(lanes_.config(), lanes_.data());
    if constexpr (requires { Environment::curriculum_template(); }) {
      // Environments know nothing of curricula: what they state is any type with these two members.
      constexpr auto advice = Environment::curriculum_template();
      const CurriculumThresholds thresholds{advice.advance_at, advice.regress_at};
      return typename CurriculumWord::State(config_.curriculum, stages, thresholds);
    } else {
      return typename CurriculumWord::State(config_.curriculum, stages);
    }
  }

  /// What the next episode of a lane is about, as the curriculum says now.
  [[nodiscard]] auto tasks() const {
    return [this](Random& random) { return assign(random); };
  }

  Assignment<Environment> assign(Random& random) const {
    if (task_) return {.task = *task_, .stage = 0, .replayed = true};  // what curricula do not count
    return assignment<Environment>(curriculum_.sample(random), config_.seed, lanes_.config(), lanes_.data(),
                                   random);
  }

  [[nodiscard, gnu::cold]] RunInfo info() const {
    return {.composition = name(),
            .settings = to_text(config_),
            .seed = config_.seed,
            .planned = clock_.planned,
            .resumed_at = clock_.steps,
            .lanes = config_.lanes,
            .threads = pool_.threads()};
  }

  [[gnu::cold]] void save(const std::string& path, ArchiveUse use) {
    ArchiveWriter writer(use, internal::archive_ranks(ranks_));
    archive(writer);
    internal::from_first_rank(ranks_, [&]() -> std::vector<std::byte> {
      write_checkpoint(path, name(), writer.bytes());
      return {};
    });
    writer.written();
    for (Sink* sink : sinks_) sink->message(concat({"saved ", path}));
  }

  [[gnu::cold]] void report(double seconds) {
    MetricsRow row = make_row(MetricsRow::Kind::training);
    const double steps = static_cast<double>(collected_) * config_.lanes;
    row.add("steps_per_second", steps / seconds);
    if constexpr (!DeviceType::offloads) row.add("collecting_share", collecting_ / seconds);
    window_.metrics([&](const char* key, double value) { row.add(key, value); });
    curriculum_.metrics(
        [&](const char* key, double value) { row.add(std::string("curriculum.") + key, value); });
    learner_.metrics([&](const char* key, double value) { row.add(key, value); });
    for (Sink* sink : sinks_) sink->row(row);
  }
  [[nodiscard]] MetricsRow make_row(MetricsRow::Kind kind) const {
    return {.kind = kind, .step = clock_.steps, .planned = clock_.planned, .seconds = seconds_, .values = {}};
  }

  [[gnu::cold]] TrainingEnd evaluate_periodically() {
    const EvaluationPlan& plan = config_.evaluation;
    double mean = 0;
    take_back();
    if (ranks_.rank() == 0) {
      const EvaluationResult evaluation = evaluate(plan.episodes);
      MetricsRow row = make_row(MetricsRow::Kind::evaluation);
      evaluation.describe(row);
      for (Sink* sink : sinks_) sink->row(row);
      mean = evaluation.mean;
    }
    mean = internal::of_first_rank(ranks_, mean);
    if (evaluations_.add(plan, clock_.steps, mean) && !config_.checkpoint.path.empty())
      save(config_.checkpoint.path + ".best", ArchiveUse::playing);
    return evaluations_.end(plan, mean);
  }
  void count(const Episode& episode) {
    window_.add(episode);
    curriculum_.episode({.return_ = static_cast<float>(episode.total),
                         .length = static_cast<int>(episode.length),
                         .success = episode.success,
                         .stage = episode.stage,
                         .replayed = episode.replayed,
                         .level = episode.level});
  }

  Config config_;
  [[no_unique_address]] Ranks ranks_;
  std::string checkpoint_ = config_.checkpoint.path;  // the run's own, which files beside it go along with
  ThreadPool pool_;
  Batch lanes_;
  Learner learner_;
  typename CurriculumWord::State curriculum_;
  std::optional<TaskOf<Environment>> task_;  // of all episodes, where the caller says so
  internal::LaneTiles<Environment> tiles_;
  [[no_unique_address]]
  typename DeviceType::template Loop<Algorithm, Environment, CurriculumWord, Ranks> device_;
  int collected_ = 0;      // steps of the batch in the last collection
  double collecting_ = 0;  // seconds that it took
  Clock clock_;
  double seconds_ = 0;
  EpisodeWindow window_;
  std::vector<Sink*> sinks_;
  EvaluationRecord evaluations_{config_.evaluation};
  internal::RankedEpisodes episodes_;  // that ended in this collection, where there are several ranks
};

}  // namespace polis
