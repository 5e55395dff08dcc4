"""Samplers from the SavedModel of a bundle."""

from __future__ import annotations

from pathlib import Path

import tensorflow as tf

from calosim_tf.bundle.checks import require_same_shapes, require_sound_file
from calosim_tf.bundle.sidecar import ModelFile, NetworkRecord, Sidecar
from calosim_tf.errors import RunFolderError
from calosim_tf.export.graph_safety import require_plain_graph
from calosim_tf.geometry import get_detector
from calosim_tf.inference.bundle import joined
from calosim_tf.inference.sampler import ShowerSampler
from calosim_tf.shower_generator import ShowerGenerator


def saved_model_sampler(
    folder: Path, sidecar: Sidecar, backend: str = "tf", precision: str = "float32", threads: int = 0
) -> ShowerSampler:
    """The generator of a bundle in TensorFlow.

    Parameters
    ----------
    folder : Path
    sidecar : Sidecar
    backend : {'tf', 'xla'}
        ``xla`` compiles, once per batch size.
    precision, threads
        As for the other back ends; TensorFlow's threads are set for the process, before it starts.

    Raises
    ------
    RunFolderError
        The bundle holds no SavedModel, or it is damaged or of another network.
    """
    detector = get_detector(sidecar.detector)

    def sampler(network: NetworkRecord) -> ShowerGenerator:
        saved = _SavedNetwork(folder, network)
        return ShowerGenerator(saved, network.latent, network.law(), detector, backend == "xla")

    return joined(sidecar, sampler)


class _SavedNetwork:
    """The raw function of a SavedModel, called like a Keras model; keeps its variables alive."""

    def __init__(self, folder: Path, network: NetworkRecord):
        self._file: ModelFile = network.file("saved_model")
        path = require_sound_file(folder, self._file)
        require_plain_graph(path)
        try:
            self._loaded = tf.saved_model.load(str(path))
            self._raw = self._loaded.signatures[self._file.signature]
            _, inputs = self._raw.structured_input_signature
            sizes = [inputs[name].shape[1] for name in self._file.inputs]
            output = self._raw.structured_outputs[self._file.output].shape[1:].num_elements()
        except (OSError, ValueError, KeyError, IndexError, tf.errors.OpError) as error:
            reason = str(error).strip().splitlines()[0]
            raise RunFolderError(
                f"{path}: cannot be loaded by TensorFlow ({reason}): export the bundle again"
            ) from error
        require_same_shapes(path, network, *sizes, output)

    def __call__(self, inputs: dict[str, tf.Tensor], training: bool = False) -> tf.Tensor:
        fed = dict(zip(self._file.inputs, (inputs["latent"], inputs["condition"]), strict=True))
        return self._raw(**fed)[self._file.output]
