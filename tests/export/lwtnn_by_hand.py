"""A reader of lwtnn's graph JSON, node after node and weight after weight as its C++ does; knows nothing of ours."""

import json
import math

import numpy as np


def run_lwtnn(path, latent, condition):
    """Output of every shower, one by one, in double precision."""
    graph = json.loads(path.read_text())
    given = {"latent": latent, "condition": condition}
    return np.array([_shower(graph, {name: x[row] for name, x in given.items()}) for row in range(len(latent))])


def _shower(graph, given):
    inputs = []
    for source in graph["inputs"]:
        values = given[source["name"]]
        assert len(source["variables"]) == len(values)
        inputs.append([(x + v["offset"]) * v["scale"] for x, v in zip(values, source["variables"], strict=True)])
    (output,) = graph["outputs"].values()
    vector = _node(graph, output["node_index"], inputs)
    assert len(vector) == len(output["labels"])
    return vector


def _node(graph, index, inputs):
    node = graph["nodes"][index]
    if node["type"] == "input":
        values = inputs[node["sources"][0]]
        assert len(values) == node["size"]
        return np.array(values, dtype=float)
    parts = [_node(graph, source, inputs) for source in node["sources"]]
    if node["type"] == "concatenate":
        return np.array([x for part in parts for x in part])
    assert node["type"] == "feed_forward"
    layer = graph["layers"][node["layer_index"]]
    assert layer["architecture"] == "dense"
    columns, flat = len(parts[0]), np.array(layer["weights"])
    sums = [flat[row * columns : (row + 1) * columns] @ parts[0] + b for row, b in enumerate(layer["bias"])]
    return _activated(np.array(sums), layer["activation"])


def _activated(x, activation):
    name, alpha = (activation, 1.0) if isinstance(activation, str) else (activation["function"], activation["alpha"])
    if name == "softmax":
        weights = [math.exp(value - max(x)) for value in x]
        return np.array(weights) / sum(weights)
    scalar = {
        "linear": lambda v: v,
        "rectified": lambda v: v if v > 0 else 0.0,
        "leakyrelu": lambda v: v if v > 0 else alpha * v,
        "swish": lambda v: v / (1.0 + math.exp(-alpha * v)),
    }[name]
    return np.array([scalar(v) for v in x])
