"""Exported networks in the TensorFlow Lite interpreter (extra ``tflite``; no TensorFlow)."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import numpy as np

from calosim_tf.bundle.checks import require_same_shapes, require_sound_file
from calosim_tf.bundle.sidecar import NetworkRecord
from calosim_tf.errors import ConfigError, RunFolderError
from calosim_tf.inference.engine import Engine, Worker


def interpreter_class():
    """The class ``Interpreter`` of LiteRT; :class:`ConfigError` where it is missing."""
    try:
        from ai_edge_litert.interpreter import Interpreter
    except ImportError as error:
        raise ConfigError(
            f"back end tflite: found no package {error.name}, expected the extra: pip install 'calosim-tf[tflite]'"
        ) from error
    return Interpreter


class TfliteEngine(Engine):
    """A network as models of fixed batch size; a call takes the smallest that holds its showers.

    Parameters
    ----------
    models : dict
        Batch size -> model, ascending.
    signature : str
    inputs : (str, str)
        Names of the latent and of the condition.
    output : str
    interpreter : callable, optional
        Makes one with the interface of ``tf.lite.Interpreter``; LiteRT's unless given.

    Raises
    ------
    ConfigError
        The extra ``tflite`` is not installed.
    ValueError, RuntimeError, KeyError
        The interpreter cannot load a model.
    """

    def __init__(
        self,
        models: dict[int, bytes],
        signature: str = "serving_default",
        inputs: tuple[str, str] = ("latent", "condition"),
        output: str = "showers",
        interpreter: Callable | None = None,
    ):
        self._interpreter = interpreter or interpreter_class()
        self._models, self._names = models, (signature, inputs, output)
        self.largest_call = max(models)
        # sizes per shower of latent, condition and output, as each model has them
        self.sizes = {batch: self._loaded(batch).sizes for batch in models}
        self.n_outputs = self.sizes[self.largest_call][-1]

    @classmethod
    def from_bundle(cls, folder: Path, network: NetworkRecord, kind: str) -> TfliteEngine:
        """A network of a bundle; :class:`RunFolderError` when a file is missing, damaged or of another network."""
        first = network.file(kind)  # says what is missing
        paths = {file.batch: require_sound_file(folder, file) for file in network.files[kind]}
        models = {batch: paths[batch].read_bytes() for batch in sorted(paths)}
        try:
            engine = cls(models, first.signature, first.inputs, first.output)
        except (ValueError, RuntimeError, KeyError) as error:
            reason = str(error).strip().splitlines()[0]
            raise RunFolderError(
                f"{folder}, {kind}: the TensorFlow Lite interpreter cannot load it ({reason}): export the bundle again"
            ) from error
        for batch, sizes in engine.sizes.items():
            require_same_shapes(paths[batch], network, *sizes)
        return engine

    def worker(self, threads: int = 1) -> Worker:
        """As :meth:`Engine.worker`."""
        ready: dict[int, _FixedBatch] = {}

        def call(latent: np.ndarray, condition: np.ndarray) -> np.ndarray:
            size = next(batch for batch in self._models if batch >= len(latent))
            if size not in ready:
                ready[size] = self._loaded(size, threads)
            return ready[size](latent, condition)

        return call

    def _loaded(self, batch: int, threads: int = 1) -> _FixedBatch:
        return _FixedBatch(self._interpreter(model_content=self._models[batch], num_threads=threads), *self._names)


class _FixedBatch:
    """An interpreter for one batch size, in the thread that calls it; shorter calls are filled up."""

    def __init__(self, interpreter, signature: str, inputs: tuple[str, str], output: str):
        self._interpreter = interpreter
        self._interpreter.allocate_tensors()
        runner = self._interpreter.get_signature_runner(signature)
        details = runner.get_input_details()
        self._inputs = [details[name] for name in inputs]
        self._output = runner.get_output_details()[output]
        self._rows = [np.zeros(detail["shape"], dtype=detail["dtype"]) for detail in self._inputs]
        self.sizes = tuple(math.prod(map(int, item["shape"][1:])) for item in (*self._inputs, self._output))

    def __call__(self, latent: np.ndarray, condition: np.ndarray) -> np.ndarray:
        n = len(latent)
        for values, rows, detail in zip((latent, condition), self._rows, self._inputs, strict=True):
            rows[:n] = _quantised(values, detail)
            self._interpreter.set_tensor(detail["index"], rows)
        self._interpreter.invoke()
        return _dequantised(self._interpreter.get_tensor(self._output["index"])[:n], self._output).reshape(n, -1)


def _quantised(values: np.ndarray, detail: dict) -> np.ndarray:
    """Numbers as the network takes them: as they are, or as integers in its scale."""
    if detail["dtype"] == np.float32:
        return values
    scale, zero = detail["quantization"]
    limits = np.iinfo(detail["dtype"])
    return np.clip(np.rint(values / scale) + zero, limits.min, limits.max)


def _dequantised(values: np.ndarray, detail: dict) -> np.ndarray:
    """Numbers from what the network gives, float32."""
    if detail["dtype"] == np.float32:
        return values
    scale, zero = detail["quantization"]
    return (values.astype(np.float32) - np.float32(zero)) * np.float32(scale)
