"""Reads weights that polis wrote with the safetensors package, and writes them again: check_safetensors.py
IN OUT. The arrays must be those of the text file "expected": a name, a type, a shape and a sum each."""

import sys

import numpy
from safetensors import safe_open
from safetensors.numpy import load_file, save_file

source, target = sys.argv[1:]
arrays = load_file(source)
expected = {}
for line in open("expected"):
    name, kind, shape, total = line.split()
    expected[name] = (kind, shape, float(total))
assert arrays.keys() == expected.keys(), (sorted(arrays), sorted(expected))
for name, array in arrays.items():
    kind, shape, total = expected[name]
    assert array.dtype == {"F32": numpy.float32, "F64": numpy.float64}[kind], name
    assert "x".join(map(str, array.shape)) == shape, (name, array.shape, shape)
    assert abs(array.astype(numpy.float64).sum() - total) < 1e-9, (name, array.sum(), total)
with safe_open(source, "numpy") as file:
    metadata = file.metadata()
assert metadata["producer"] == "polis", metadata
assert metadata["composition"].endswith("by None"), metadata
assert "algorithm.steps=" in metadata["settings"], metadata
save_file(arrays, target, metadata=metadata)
