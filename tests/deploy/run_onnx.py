"""Runs an ONNX policy on recorded observations: run_onnx.py ROWS EPISODE, in a folder with policy.onnx,
observations and legal (floats, [step][row]); writes outputs and actions."""

import sys

import numpy
import onnxruntime

rows, episode = int(sys.argv[1]), int(sys.argv[2])
session = onnxruntime.InferenceSession("policy.onnx")
inputs = {value.name: value.shape[1] for value in session.get_inputs()}
names = [value.name for value in session.get_outputs()]


def read(name, columns):
    return numpy.fromfile(name, numpy.float32).reshape(-1, rows, columns)


observations = read("observations", inputs["observation"])
legal = read("legal", inputs["legal"]) != 0 if "legal" in inputs else None
outputs, actions = [], []
for step, observation in enumerate(observations):
    feed = {"observation": observation}
    if legal is not None:
        feed["legal"] = legal[step]
    if "state" in inputs:
        zeros = numpy.zeros((rows, inputs["state"]), numpy.float32)
        feed["state"] = zeros if step % episode == 0 else result["next_state"]
    result = dict(zip(names, session.run(names, feed)))
    outputs.append(result["outputs"])
    action = [result[name].reshape(rows, -1) for name in names if name.startswith("action")]
    actions.append(numpy.concatenate(action, axis=1).astype(numpy.float32))
numpy.stack(outputs).tofile("outputs")
numpy.stack(actions).tofile("actions")
