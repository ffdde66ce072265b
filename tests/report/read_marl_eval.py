"""Loads a file with marl-eval, and compares its form with what marl-eval's own logger writes.

    read_marl_eval.py RESULTS.json      # as tests/report/marl_eval.cpp writes it
"""
import importlib.util
import json
import pathlib
import sys
import tempfile

import marl_eval
import numpy as np
from marl_eval.utils.data_processing_utils import create_matrices_for_rliable, data_process_pipeline
from marl_eval.utils.diagnose_data_errors import DiagnoseData

with open(sys.argv[1]) as file:
    raw = json.load(file)

# What marl-eval says of the file. Its own logger, too, puts elapsed_time into the steps only, which its check
# of metrics counts as a difference: so that check is made without it.
without_time = json.loads(json.dumps(raw))
for task in without_time["Game"].values():
    for runs in task.values():
        for run in runs.values():
            for step in run.values():
                step.pop("elapsed_time", None)
verdict = DiagnoseData(without_time).check_data()["game"]
assert all(verdict.values()), verdict

# The loader, and the matrices that it makes for rliable: [run][task] and [run][task][step].
processed = data_process_pipeline(raw, ["return"])
assert processed["extra"]["number_of_runs"] == 3 and processed["extra"]["number_of_steps"] == 3
assert sorted(processed["extra"]["algorithm_list"]) == ["a2c", "ppo"]
assert processed["extra"]["evaluation_interval"]["game"] == 200
mean = processed["game"]["hard"]["ppo"]["seed_2"]["step_2"]["mean_return"]
assert mean == 6, mean
final, curves = create_matrices_for_rliable(processed, "game", ["return"])
assert set(final) >= {"mean_norm_return", "mean_length"}, set(final)
for algorithm in ("ppo", "a2c"):
    scores, over_steps = final["mean_norm_return"][algorithm], curves["mean_norm_return"][algorithm]
    assert scores.shape == (3, 2) and over_steps.shape == (3, 2, 3)
    # Returns lie in [0, 10]: the best evaluation of seed s has the mean 3 s.
    assert np.allclose(scores, np.array([[3, 3], [6, 6], [9, 9]]) / 10, atol=1e-5), scores
    assert np.allclose(over_steps[1, 0], np.array([2, 6, 4]) / 10, atol=1e-5), over_steps[1, 0]

# The same run by marl-eval's own logger has the same keys. (The package around it wants a client of a web
# service, so the logger is loaded by its path.)
path = pathlib.Path(marl_eval.__file__).parent / "json_tools" / "json_logger.py"
spec = importlib.util.spec_from_file_location("json_logger", path)
module = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)
with tempfile.TemporaryDirectory() as folder:
    logger = module.JsonLogger(folder, "PPO", "easy", "Game", 1)
    for index, steps in enumerate((200, 400, 600)):
        for name in ("return", "length"):
            logger.write(steps, name, 1.0, index)
    for name in ("return", "length"):
        logger.write(600, name, 1.0, is_absolute_metric=True)
    theirs = json.loads(pathlib.Path(folder, "metrics.json").read_text())
ours, theirs = (tree["Game"]["easy"]["PPO"]["seed_1"] for tree in (raw, theirs))
assert set(ours["absolute_metrics"]) == set(theirs["absolute_metrics"])
assert set(ours["step_1"]) == set(theirs["step_1"])
assert len(ours) == len(theirs)
for name, value in theirs["step_1"].items():
    assert isinstance(ours["step_1"][name], list) == isinstance(value, list), name
print("marl-eval reads 2 algorithms on 2 tasks, 3 runs each")
