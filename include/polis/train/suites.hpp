// The evaluation suites, one table each: `trainer.evaluate(suite, episodes).print()`.
//
//     Standard            where it was trained
//     Stress<E>           harder tasks: stages, changes, tasks and settings
//     Generalization<E>   seeds, tasks and data that training did not see
//     Robustness          observation noise, delayed actions, agents that do not follow the policy
//     CrossPlay           agents of different runs together
//     Adaptation<E>       steps to recover after the world changed
//     Comparison<E>       beside reference policies
//     sample_efficiency   steps to thresholds and mean over training, from the history of evaluations
//
// polis.hpp does not include them: a program that wants suites names this header, or the one it uses.
#pragma once

#include <polis/train/suites/actions.hpp>
#include <polis/train/suites/adaptation.hpp>
#include <polis/train/suites/comparison.hpp>
#include <polis/train/suites/cross_play.hpp>
#include <polis/train/suites/disturbance.hpp>
#include <polis/train/suites/generalization.hpp>
#include <polis/train/suites/robustness.hpp>
#include <polis/train/suites/sample_efficiency.hpp>
#include <polis/train/suites/standard.hpp>
#include <polis/train/suites/stress.hpp>
#include <polis/train/suites/table.hpp>
