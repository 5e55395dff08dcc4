"""Dense generators in the graph format of lwtnn, which ATLAS software runs in C++ (https://github.com/lwtnn/lwtnn).

Written directly: the converter of that project reads files of Keras 2 and its architecture JSON only.  Matrices are
(out, in), row after row; an input is (x + offset) * scale.
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import keras
import numpy as np

from calosim_tf.bundle.formats import Format
from calosim_tf.bundle.lwtnn import LwtnnNetwork
from calosim_tf.bundle.sidecar import ModelFile, NetworkRecord
from calosim_tf.export.formats import UnsupportedFormat
from calosim_tf.export.parts import OUTPUT
from calosim_tf.export.runners import Runner
from calosim_tf.export.writing import NetworkWriter
from calosim_tf.inference.lwtnn import LwtnnEngine
from calosim_tf.keras_compat import leaky_relu_slope
from calosim_tf.layers.layer_shares import LayerShares

# Keras' words -> lwtnn's; swish carries the factor inside its sigmoid
ACTIVATIONS: dict[str, Any] = {
    "linear": "linear",
    "relu": "rectified",
    "swish": {"function": "swish", "alpha": 1.0},
    # the name in Keras 3
    "silu": {"function": "swish", "alpha": 1.0},
    "softmax": "softmax",
}


def lwtnn_model(network: keras.Model) -> bytes:
    """A folded dense generator as lwtnn JSON: inputs ``latent`` and ``condition``, output ``showers``.

    Raises
    ------
    UnsupportedFormat
        A layer is not a dense one, a concatenation of the two inputs, or an activation that lwtnn has.
    """
    graph = _Graph(network)
    for layer in network.layers:
        graph.add(layer)
    return json.dumps(graph.finished()).encode()


def write(network: NetworkWriter, kind: Format) -> list[ModelFile]:
    """Write the lwtnn graph of a network into a bundle."""
    return network.whole_file(kind, lwtnn_model(network.part.network))


def run_file(folder: Path, record: NetworkRecord, file: ModelFile) -> Runner:
    """An lwtnn graph in numpy, to check it with."""
    return LwtnnNetwork.read(folder / file.path)


def network_engine(network: keras.Model, batch: int) -> LwtnnEngine:
    """A dense network in numpy without a bundle; it takes any number of showers per call, whatever ``batch``."""
    graph = json.loads(lwtnn_model(network))
    return LwtnnEngine(LwtnnNetwork(graph), math.prod(network.output.shape[1:]))


class _Graph:
    """Nodes and layers while a chain of Keras layers is translated."""

    def __init__(self, network: keras.Model):
        self.network = network
        self.layers: list[dict[str, Any]] = []
        self.nodes: list[dict[str, Any]] = [
            {"type": "input", "sources": [index], "size": self._size(name)}
            for index, name in enumerate(("latent", "condition"))
        ]

    def add(self, layer: keras.layers.Layer) -> None:
        """Translate the next layer of the chain."""
        match layer:
            case keras.layers.InputLayer():
                return
            case keras.layers.Concatenate() if len(self.nodes) == 2:
                names = [x.name for x in layer.input]
                self.nodes.append({"type": "concatenate", "sources": [("latent", "condition").index(x) for x in names]})
            case keras.layers.Dense():
                self._dense(layer.get_weights(), layer.activation.__name__, len(self.nodes) - 1)
            case keras.layers.Activation() if self.layers:
                self._activate(ACTIVATIONS.get(layer.activation.__name__), layer)
            case keras.layers.LeakyReLU() if self.layers:
                self._activate({"function": "leakyrelu", "alpha": leaky_relu_slope(layer)}, layer)
            case LayerShares() if self.layers and not layer.gate:
                self._shares(layer)
            case _:
                raise UnsupportedFormat(
                    f"lwtnn holds dense layers and their activations; found {type(layer).__name__} {layer.name}"
                )

    def finished(self) -> dict[str, Any]:
        """The whole graph."""
        cells = range(self.network.output.shape[-1])
        return {
            "inputs": [
                {"name": name, "variables": [_variable(f"{name}_{i}") for i in range(self._size(name))]}
                for name in ("latent", "condition")
            ],
            "input_sequences": [],
            "layers": self.layers,
            "nodes": self.nodes,
            "outputs": {OUTPUT: {"node_index": len(self.nodes) - 1, "labels": [f"out_{cell}" for cell in cells]}},
        }

    def _size(self, name: str) -> int:
        return self.network.input[name].shape[1]

    def _dense(self, weights: list[np.ndarray], activation: str, source: int) -> None:
        kernel, bias = weights if len(weights) == 2 else (weights[0], np.zeros(weights[0].shape[1]))
        if activation not in ACTIVATIONS:
            raise UnsupportedFormat(f"lwtnn has no activation {activation}")
        self.layers.append(
            {
                "architecture": "dense",
                "weights": _numbers(kernel.T),
                "bias": _numbers(bias),
                "activation": ACTIVATIONS[activation],
            }
        )
        self.nodes.append({"type": "feed_forward", "sources": [source], "layer_index": len(self.layers) - 1})

    def _activate(self, activation: Any, layer: keras.layers.Layer) -> None:
        """Let the last dense layer end in an activation."""
        if activation is None or (self.layers[-1]["activation"] != "linear" and activation != "linear"):
            raise UnsupportedFormat(f"lwtnn has no activation like {layer.name} behind another one")
        if activation != "linear":
            self.layers[-1]["activation"] = activation

    def _shares(self, layer: LayerShares) -> None:
        """The last dense layer cut into one per softmax and one for the total, side by side."""
        whole, node = self.layers.pop(), self.nodes.pop()
        if whole["activation"] != "linear":
            raise UnsupportedFormat("lwtnn has one activation per layer; found another one before the layer shares")
        bias = np.array(whole["bias"])
        kernel = np.array(whole["weights"]).reshape(len(bias), -1)
        (source,), first = node["sources"], len(self.nodes)
        for rows in np.split(np.arange(len(bias)), np.cumsum([*layer.layer_sizes, len(layer.layer_sizes)])):
            self._dense([kernel[rows].T, bias[rows]], "relu" if len(rows) == 1 else "softmax", source)
        self.nodes.append({"type": "concatenate", "sources": list(range(first, len(self.nodes)))})


def _variable(name: str) -> dict[str, Any]:
    return {"name": name, "offset": 0.0, "scale": 1.0}


def _numbers(values: np.ndarray) -> list[float]:
    """Row after row; nine digits say which float32 it is."""
    return [float(f"{x:.9g}") for x in np.asarray(values, dtype=np.float32).ravel()]
