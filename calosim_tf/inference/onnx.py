"""Exported networks in ONNX Runtime (extra ``onnx``; no TensorFlow)."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np

from calosim_tf.bundle.checks import require_same_shapes, require_sound_file
from calosim_tf.bundle.sidecar import NetworkRecord
from calosim_tf.errors import ConfigError, RunFolderError
from calosim_tf.inference.engine import Engine, Worker


def onnx_runtime():
    """The package ``onnxruntime``; :class:`ConfigError` where it is missing."""
    try:
        import onnxruntime
    except ImportError as error:
        raise ConfigError(
            f"back end onnx: found no package {error.name}, expected the extra: pip install 'calosim-tf[onnx]'"
        ) from error
    return onnxruntime


class OnnxEngine(Engine):
    """A network in one session that runs in the thread that calls it.

    Threads share the session and take different showers: matrix products of few hundred rows leave nothing to share
    out inside an operation, and feature maps stay in the cache of their core.

    Parameters
    ----------
    model : Path or bytes
        File, or its content.
    sizes : (int, int)
        Numbers per shower of the latent and of the condition.
    output_shape : tuple of int
        Of one shower.
    inputs : (str, str)
        Names of the latent and of the condition.
    output : str

    Raises
    ------
    ConfigError
        The extra ``onnx`` is not installed.
    RunFolderError
        ONNX Runtime cannot load the file.
    """

    def __init__(
        self,
        model: Path | bytes,
        sizes: tuple[int, int],
        output_shape: tuple[int, ...],
        inputs: tuple[str, str] = ("latent", "condition"),
        output: str = "showers",
    ):
        self._runtime = onnx_runtime()
        self._source = model if isinstance(model, bytes) else str(model)
        try:
            self.session = self._session(1)
        except Exception as error:  # ONNX Runtime's own classes have no common base but this
            raise RunFolderError(
                f"{model if isinstance(model, Path) else 'ONNX model'}: ONNX Runtime cannot load it "
                f"({str(error).splitlines()[0]}): export the bundle again"
            ) from error
        self._names, self._output, self._sizes, self._output_shape = inputs, output, sizes, output_shape
        self.n_outputs = math.prod(output_shape)

    @classmethod
    def from_bundle(cls, folder: Path, network: NetworkRecord, kind: str = "onnx") -> OnnxEngine:
        """A network of a bundle; :class:`RunFolderError` when its file is missing, damaged or of another network."""
        file = network.file(kind)
        path = require_sound_file(folder, file)
        sizes = network.latent.size, len(network.condition.names)
        engine = cls(path, sizes, network.output_shape, file.inputs, file.output)
        found = {item.name: item.shape for item in (*engine.session.get_inputs(), *engine.session.get_outputs())}
        names = (*file.inputs, file.output)
        if set(found) != set(names):
            raise RunFolderError(
                f"{path}: found inputs and outputs {', '.join(found)}, expected {', '.join(names)} as the sidecar "
                "says: the network is of another export"
            )
        require_same_shapes(path, network, *(_size(found[name]) for name in names))
        return engine

    def worker(self, threads: int = 1) -> Worker:
        """As :meth:`Engine.worker`; those of one thread share a session."""
        session = self.session if threads == 1 else self._session(threads)
        return _OnnxWorker(session, self._names, self._output, self._sizes, self._output_shape)

    def _session(self, threads: int):
        options = self._runtime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        return self._runtime.InferenceSession(self._source, options, providers=["CPUExecutionProvider"])


class _OnnxWorker:
    """Calls with input and output buffers that stay bound as long as the number of showers stays the same."""

    def __init__(self, session, inputs: tuple[str, str], output: str, sizes: tuple[int, int], shape: tuple[int, ...]):
        self._session, self._names, self._output = session, inputs, output
        self._sizes, self._shape = sizes, shape
        self._bound = 0

    def _bind(self, rows: int) -> None:
        self._inputs = [np.empty((rows, size), dtype=np.float32) for size in self._sizes]
        outputs = np.empty((rows, *self._shape), dtype=np.float32)
        self._binding = self._session.io_binding()
        for name, values in zip(self._names, self._inputs, strict=True):
            self._binding.bind_cpu_input(name, values)
        self._binding.bind_output(self._output, "cpu", 0, np.float32, outputs.shape, outputs.ctypes.data)
        self._outputs = outputs.reshape(rows, -1)
        self._bound = rows

    def __call__(self, latent: np.ndarray, condition: np.ndarray) -> np.ndarray:
        if len(latent) != self._bound:
            self._bind(len(latent))
        self._inputs[0][:], self._inputs[1][:] = latent, condition
        self._session.run_with_iobinding(self._binding)
        return self._outputs


def _size(shape: list) -> int | None:
    """Numbers per shower of an input or output; None where the file does not say."""
    return math.prod(shape[1:]) if all(isinstance(item, int) for item in shape[1:]) else None
