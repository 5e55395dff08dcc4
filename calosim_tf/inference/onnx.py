"""Exported networks in ONNX Runtime (extra ``onnx``; no TensorFlow)."""

from __future__ import annotations

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
    folder : Path
        Of the bundle.
    network : NetworkRecord

    Raises
    ------
    ConfigError
        The extra ``onnx`` is not installed.
    RunFolderError
        The bundle holds no ONNX file, or it is damaged or of another network.
    """

    def __init__(self, folder: Path, network: NetworkRecord):
        runtime = onnx_runtime()
        self._file = network.file("onnx")
        path = require_sound_file(folder, self._file)
        options = runtime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        try:
            self.session = runtime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
            latent, condition = (
                next(item.shape for item in self.session.get_inputs() if item.name == name)
                for name in self._file.inputs
            )
            output = next(item.shape for item in self.session.get_outputs() if item.name == self._file.output)
        except Exception as error:  # ONNX Runtime's own classes have no common base but this
            reason = str(error).splitlines()[0] if str(error) else f"no {self._file.inputs} or {self._file.output}"
            raise RunFolderError(
                f"{path}: cannot be loaded by ONNX Runtime ({reason}): export the bundle again"
            ) from error
        sizes = [item for item in output[1:] if isinstance(item, int)]
        known = int(np.prod(sizes)) if len(sizes) == len(output) - 1 else None
        require_same_shapes(path, network, _size(latent), _size(condition), known)
        self._sizes = network.latent.size, len(network.condition.names)
        self._output_shape = network.output_shape
        self.n_outputs = int(np.prod(network.output_shape))

    def worker(self) -> Worker:
        """As :meth:`Engine.worker`."""
        return _OnnxWorker(self.session, self._file.inputs, self._file.output, self._sizes, self._output_shape)


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
    """Numbers per shower of an input; None where the file does not tell."""
    return shape[1] if len(shape) == 2 and isinstance(shape[1], int) else None
