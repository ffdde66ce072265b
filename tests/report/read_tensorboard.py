"""Reads a run's event files with TensorBoard's own readers and compares them with the run's CSV files.

    read_tensorboard.py RUN_DIRECTORY     # with train.csv, evaluation.csv and events.out.tfevents.*
"""
import csv
import math
import sys
import time

from tensorboard.backend.event_processing import event_accumulator, plugin_event_accumulator
from tensorboard.util import tensor_util

folder = sys.argv[1]


def tag(table, name):
    if table == "evaluation":
        return "evaluation/" + name
    return name.replace(".", "/", 1) if "." in name else "training/" + name


expected = {}
for table in ("train", "evaluation"):
    with open(f"{folder}/{table}.csv", newline="") as file:
        for row in csv.DictReader(file):
            for name, text in row.items():
                if name not in ("step", "seconds") and text:
                    expected.setdefault(tag(table, name), []).append((int(row["step"]), float(text)))
assert len(expected) >= 6, f"too few columns to compare: {sorted(expected)}"


def compare(reader, found):
    assert set(found) == set(expected), f"{reader}: tags {sorted(found)}, expected {sorted(expected)}"
    for name, points in expected.items():
        steps = [step for step, _ in found[name]]
        assert steps == [step for step, _ in points], f"{reader}: {name} at steps {steps}"
        for (step, value), (_, wanted) in zip(found[name], points):
            assert math.isclose(value, wanted, rel_tol=1e-6), f"{reader}: {name} at {step}: {value}, not {wanted}"


# The reader of scalars as such.
scalars = event_accumulator.EventAccumulator(folder)
scalars.Reload()
events = {name: scalars.Scalars(name) for name in scalars.Tags()["scalars"]}
compare("EventAccumulator", {name: [(e.step, e.value) for e in list_] for name, list_ in events.items()})
for list_ in events.values():
    assert all(abs(e.wall_time - time.time()) < 3600 for e in list_), "wall time is not that of writing"

# The reader behind the pages, which turns every value into a tensor of a plugin.
pages = plugin_event_accumulator.EventAccumulator(folder)
pages.Reload()
shown = pages.PluginTagToContent("scalars")
compare("plugin_event_accumulator",
        {name: [(e.step, float(tensor_util.make_ndarray(e.tensor_proto))) for e in pages.Tensors(name)]
         for name in shown})
texts = pages.PluginTagToContent("text")
assert set(texts) == {"run/composition", "run/settings"}, f"texts {sorted(texts)}"
settings = tensor_util.make_ndarray(pages.Tensors("run/settings")[-1].tensor_proto).item().decode()
assert "| algorithm.objective.clip | 0.2 |" in settings, settings
print(f"TensorBoard reads {len(expected)} scalars and {len(texts)} texts")
