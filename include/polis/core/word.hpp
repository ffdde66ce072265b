// The kinds of words that an algorithm's sentence is made of.
//
// A word says which slot of a sentence it fills by naming one of these: `using word = word::Returns;`.
#pragma once

namespace polis::word {

struct Algorithm {};
struct Environment {};
struct Network {};
struct Activation {};
struct Initialization {};
struct Policy {};
struct Distribution {};
struct Objective {};
struct Returns {};
struct Buffer {};
struct Optimizer {};
struct Critic {};
struct Actor {};
struct Critics {};
struct Sharing {};
struct ObservationNormalization {};
struct RewardNormalization {};
struct ValueNormalization {};
struct AgentIds {};
struct ActiveMasks {};
struct Actors {};
struct Magnet {};
struct OpponentModel {};
struct Average {};
struct Opponents {};
struct Mixer {};
struct Exploration {};
struct Shaping {};
struct Target {};
struct Defaults {};
struct Curriculum {};
struct Device {};
struct Collective {};

}  // namespace polis::word
