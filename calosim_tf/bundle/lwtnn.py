"""lwtnn JSON (https://github.com/lwtnn/lwtnn, graph format) of dense networks, read and run with numpy.

Only what :mod:`calosim_tf.export.lwtnn` writes: input nodes, concatenations and dense layers.  It is the reference for
readers in other languages.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from calosim_tf.errors import RunFolderError
from calosim_tf.files import read_json


def _sigmoid(x: np.ndarray) -> np.ndarray:
    # of numbers far below 0 the exponential of -x would overflow
    small = np.exp(-np.abs(x))
    return np.where(x < 0.0, small, 1.0) / (1.0 + small)


@dataclass(frozen=True)
class LwtnnNetwork:
    """A network in lwtnn's graph format.

    Parameters
    ----------
    graph : dict
    where : str
        For messages.
    """

    graph: dict[str, Any]
    where: str = "lwtnn JSON"

    @classmethod
    def read(cls, path: Path) -> LwtnnNetwork:
        """From a file; :class:`RunFolderError` when it is no lwtnn graph."""
        graph = read_json(path, "a network in lwtnn's graph format")
        if not {"inputs", "nodes", "layers", "outputs"} <= graph.keys():
            raise RunFolderError(f"{path}: found keys {', '.join(graph)}, expected inputs, nodes, layers and outputs")
        return cls(graph, str(path))

    def __call__(self, latent: np.ndarray, condition: np.ndarray) -> np.ndarray:
        """Outputs of shape (n, outputs), float32; inputs in the order of the graph's ``latent`` and ``condition``."""
        given = {"latent": latent, "condition": condition}
        sources = [self._scaled(node, np.asarray(given[node["name"]])) for node in self.graph["inputs"]]
        values: list[np.ndarray] = []
        for node in self.graph["nodes"]:
            values.append(self._node(node, sources, values))
        (output,) = self.graph["outputs"].values()
        return values[output["node_index"]].astype(np.float32)

    @staticmethod
    def _scaled(node: dict[str, Any], x: np.ndarray) -> np.ndarray:
        offset, scale = (np.array([row[key] for row in node["variables"]]) for key in ("offset", "scale"))
        return (x.astype(np.float64) + offset) * scale

    def _node(self, node: dict[str, Any], sources: list[np.ndarray], values: list[np.ndarray]) -> np.ndarray:
        kind = node["type"]
        if kind == "input":
            return sources[node["sources"][0]]
        inputs = [values[index] for index in node["sources"]]
        if kind == "concatenate":
            return np.concatenate(inputs, axis=1)
        if kind == "feed_forward":
            return self._dense(self.graph["layers"][node["layer_index"]], inputs[0])
        raise RunFolderError(f"{self.where}: found a node of type {kind!r}, expected input, concatenate, feed_forward")

    def _dense(self, layer: dict[str, Any], x: np.ndarray) -> np.ndarray:
        weights = np.asarray(layer["weights"]).reshape(-1, x.shape[1])
        x = x @ weights.T + np.asarray(layer["bias"])
        activation = layer["activation"]
        name = activation if isinstance(activation, str) else activation["function"]
        match name:
            case "linear":
                return x
            case "rectified":
                return np.maximum(x, 0.0)
            case "swish":
                return x * _sigmoid(x * (1.0 if isinstance(activation, str) else activation["alpha"]))
            case "softmax":
                powers = np.exp(x - x.max(axis=1, keepdims=True))
                return powers / powers.sum(axis=1, keepdims=True)
            case "leakyrelu":
                return np.where(x > 0.0, x, activation["alpha"] * x)
        known = "linear, rectified, swish, softmax or leakyrelu"
        raise RunFolderError(f"{self.where}: found activation {name!r}, expected {known}")
