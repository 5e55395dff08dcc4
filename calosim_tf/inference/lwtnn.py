"""Exported dense networks in numpy, from lwtnn's graph JSON: where no runtime is installed (no TensorFlow)."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np

from calosim_tf.bundle.checks import require_sound_file
from calosim_tf.bundle.lwtnn import LwtnnNetwork
from calosim_tf.bundle.sidecar import NetworkRecord
from calosim_tf.inference.engine import Engine, Worker


class LwtnnEngine(Engine):
    """A dense network in float64; a few times slower than ONNX Runtime.

    Parameters
    ----------
    network : LwtnnNetwork
    n_outputs : int
        Numbers that the network gives for one shower.
    """

    def __init__(self, network: LwtnnNetwork, n_outputs: int):
        # lists of JSON would be turned into arrays in each call
        layers = [
            layer | {name: np.asarray(layer[name], dtype=np.float64) for name in ("weights", "bias")}
            for layer in network.graph["layers"]
        ]
        self._network = LwtnnNetwork(network.graph | {"layers": layers}, network.where)
        self.n_outputs = n_outputs

    @classmethod
    def from_bundle(cls, folder: Path, network: NetworkRecord, kind: str = "lwtnn") -> LwtnnEngine:
        """A network of a bundle; :class:`RunFolderError` when its file is missing, damaged or no lwtnn graph."""
        path = require_sound_file(folder, network.file(kind))
        return cls(LwtnnNetwork.read(path), math.prod(network.output_shape))

    def worker(self, threads: int = 1) -> Worker:
        """As :meth:`Engine.worker`; threads are numpy's own."""
        return self._network
