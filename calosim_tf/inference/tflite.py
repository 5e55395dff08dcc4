"""Exported networks in the TensorFlow Lite interpreter (extra ``tflite``; no TensorFlow)."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from calosim_tf.bundle.checks import require_same_shapes, require_sound_file
from calosim_tf.bundle.sidecar import ModelFile, NetworkRecord
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
    """A network as files of fixed batch size; a call takes the smallest that holds its showers.

    Parameters
    ----------
    folder : Path
        Of the bundle.
    network : NetworkRecord
    kind : str
        ``tflite``, ``tflite_int8``, ...

    Raises
    ------
    ConfigError
        The extra ``tflite`` is not installed.
    RunFolderError
        The bundle holds no such file, or it is damaged or of another network.
    """

    def __init__(self, folder: Path, network: NetworkRecord, kind: str):
        interpreter = interpreter_class()
        network.file(kind)  # says what is missing
        self.n_outputs = int(np.prod(network.output_shape))
        self._models: dict[int, tuple[bytes, ModelFile]] = {}
        for file in sorted(network.files[kind], key=lambda item: item.batch):
            path = require_sound_file(folder, file)
            self._models[file.batch] = path.read_bytes(), file
            try:
                loaded = _FixedBatch(interpreter, *self._models[file.batch])
            except (ValueError, RuntimeError, KeyError) as error:
                reason = str(error).strip().splitlines()[0]
                raise RunFolderError(
                    f"{path}: cannot be loaded by the TensorFlow Lite interpreter ({reason}): export the bundle again"
                ) from error
            require_same_shapes(path, network, *loaded.sizes)
        self._interpreter = interpreter
        self.largest_call = max(self._models)

    def worker(self) -> Worker:
        """As :meth:`Engine.worker`."""
        ready: dict[int, _FixedBatch] = {}

        def call(latent: np.ndarray, condition: np.ndarray) -> np.ndarray:
            size = next(batch for batch in self._models if batch >= len(latent))
            if size not in ready:
                ready[size] = _FixedBatch(self._interpreter, *self._models[size])
            return ready[size](latent, condition)

        return call


class _FixedBatch:
    """An interpreter for one batch size, in the thread that calls it; shorter calls are filled up."""

    def __init__(self, interpreter, model: bytes, file: ModelFile):
        self._interpreter = interpreter(model_content=model, num_threads=1)
        self._interpreter.allocate_tensors()
        runner = self._interpreter.get_signature_runner(file.signature or None)
        details = runner.get_input_details()
        self._inputs = [details[name] for name in file.inputs]
        self._output = runner.get_output_details()[file.output]
        self._rows = [np.zeros(detail["shape"], dtype=detail["dtype"]) for detail in self._inputs]
        self.sizes = (*(int(np.prod(item["shape"][1:])) for item in (*self._inputs, self._output)),)

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
