// SeparateTrainer: a Trainer whose code is compiled in one translation unit, for programs of several.
//
//     // agents.hpp, for everybody
//     #include <polis/train/separate_trainer.hpp>
//     using Agents = polis::SeparateTrainer<polis::PPO, polis::MultiAgentEnv<Market>>;
//     POLIS_EXTERN_TRAINER(polis::PPO, polis::MultiAgentEnv<Market>);
//
//     // agents.cpp, once
//     #include "agents.hpp"
//     POLIS_INSTANTIATE_TRAINER(polis::PPO, polis::MultiAgentEnv<Market>);
//
// Whoever includes agents.hpp trains, evaluates, saves and resumes `Agents` without compiling a network, a
// kernel or an update. `extern template class Trainer<...>` would not do: compilers still instantiate what is
// defined within a class, in order to inline it. The functions here are defined outside of theirs.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <polis/core/fields.hpp>
#include <polis/train/trainer.hpp>

/// At global scope, the words as a Trainer has them: the trainer's code is elsewhere.
#define POLIS_EXTERN_TRAINER(...) extern template class polis::SeparateTrainer<__VA_ARGS__>
/// At global scope of one translation unit of the program: the trainer's code is here.
#define POLIS_INSTANTIATE_TRAINER(...) template class polis::SeparateTrainer<__VA_ARGS__>

namespace polis {

/// What programs do with a Trainer. Arguments, results and errors are those of the functions of that name
/// there.
template <class... Words>
  requires SoundComposition<Words...>
class SeparateTrainer {
 public:
  using Whole = Trainer<Words...>;
  using Config = typename Whole::Config;
  using Dataset = typename Whole::Dataset;

  explicit SeparateTrainer(Config config = {}, Dataset data = {});
  SeparateTrainer(const SeparateTrainer&) = delete;
  SeparateTrainer& operator=(const SeparateTrainer&) = delete;
  ~SeparateTrainer();

  [[nodiscard]] static std::string name();
  void add_sink(Sink& sink);
  TrainingEnd train(std::uint64_t steps);
  void iterate();
  [[nodiscard]] EvaluationResult evaluate(int episodes, Play how = Play::greedy) const;
  void save(const std::string& path);
  void resume(const std::string& path);
  void restart();

  [[nodiscard]] const Config& config() const;
  [[nodiscard]] const Clock& clock() const;
  [[nodiscard]] double seconds() const;
  [[nodiscard]] const EpisodeWindow& episodes() const;

  /// The trainer itself, for all else; what is called on it is compiled where it is called.
  [[nodiscard]] Whole& whole() { return *whole_; }
  [[nodiscard]] const Whole& whole() const { return *whole_; }

  /// Sets and writes settings by their keys: apply_assignments and to_text.
  static void set(Config& config, const std::vector<std::string>& assignments);
  [[nodiscard]] static std::string text(const Config& config);

 private:
  Whole* whole_;  // owned; what deletes by itself would be compiled wherever a SeparateTrainer ends
};

template <class... Words>
  requires SoundComposition<Words...>
SeparateTrainer<Words...>::SeparateTrainer(Config config, Dataset data)
    : whole_(new Whole(std::move(config), std::move(data))) {}
template <class... Words>
  requires SoundComposition<Words...>
SeparateTrainer<Words...>::~SeparateTrainer() {
  delete whole_;
}
template <class... Words>
  requires SoundComposition<Words...>
std::string SeparateTrainer<Words...>::name() {
  return Whole::name();
}
template <class... Words>
  requires SoundComposition<Words...>
void SeparateTrainer<Words...>::add_sink(Sink& sink) {
  whole_->add_sink(sink);
}
template <class... Words>
  requires SoundComposition<Words...>
TrainingEnd SeparateTrainer<Words...>::train(std::uint64_t steps) {
  return whole_->train(steps);
}
template <class... Words>
  requires SoundComposition<Words...>
void SeparateTrainer<Words...>::iterate() {
  whole_->iterate();
}
template <class... Words>
  requires SoundComposition<Words...>
EvaluationResult SeparateTrainer<Words...>::evaluate(int episodes, Play how) const {
  return std::as_const(*whole_).evaluate(episodes, how);
}
template <class... Words>
  requires SoundComposition<Words...>
void SeparateTrainer<Words...>::save(const std::string& path) {
  whole_->save(path);
}
template <class... Words>
  requires SoundComposition<Words...>
void SeparateTrainer<Words...>::resume(const std::string& path) {
  whole_->resume(path);
}
template <class... Words>
  requires SoundComposition<Words...>
void SeparateTrainer<Words...>::restart() {
  whole_->restart();
}
template <class... Words>
  requires SoundComposition<Words...>
auto SeparateTrainer<Words...>::config() const -> const Config& {
  return whole_->config();
}
template <class... Words>
  requires SoundComposition<Words...>
const Clock& SeparateTrainer<Words...>::clock() const {
  return whole_->clock();
}
template <class... Words>
  requires SoundComposition<Words...>
double SeparateTrainer<Words...>::seconds() const {
  return whole_->seconds();
}
template <class... Words>
  requires SoundComposition<Words...>
const EpisodeWindow& SeparateTrainer<Words...>::episodes() const {
  return whole_->episodes();
}
template <class... Words>
  requires SoundComposition<Words...>
void SeparateTrainer<Words...>::set(Config& config, const std::vector<std::string>& assignments) {
  apply_assignments(config, assignments);
}
template <class... Words>
  requires SoundComposition<Words...>
std::string SeparateTrainer<Words...>::text(const Config& config) {
  return to_text(config);
}

}  // namespace polis
