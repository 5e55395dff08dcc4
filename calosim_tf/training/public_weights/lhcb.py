"""Weights of the public LHCb WGAN (PyTorch, as npz) into the generator of this package."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np

from calosim_tf.errors import DataError
from calosim_tf.training.public_weights.weights_file import read_npz_weights

# Counts training steps; the average of batch normalisation does not need it after training
COUNTER = "num_batches_tracked"


def _dense(value: np.ndarray) -> np.ndarray:
    """(out, in) to (in, out)."""
    return value.T


def _transposed(value: np.ndarray) -> np.ndarray:
    """(in, out, rows, columns) to (rows, columns, out, in)."""
    return value.transpose(2, 3, 1, 0)


def _same(value: np.ndarray) -> np.ndarray:
    return value


# Name of a weight in PyTorch, and how it is turned, in the order of the Keras layer
DENSE = (("weight", _dense), ("bias", _same))
CONVOLUTION = (("weight", _transposed), ("bias", _same))
NORMALISATION = (("weight", _same), ("bias", _same), ("running_mean", _same), ("running_var", _same))


def _layers(stages: int) -> dict[str, tuple[str, tuple[tuple[str, Callable], ...]]]:
    """Layer of the generator -> module of the authors' class and its weights."""
    found = {"dense": ("fc1", DENSE)}
    for stage in range(1, stages + 1):
        found[f"stage_{stage}"] = (f"conv{stage}", CONVOLUTION)
        if stage < stages:
            found[f"stage_{stage}_bn"] = (f"bn{stage}", NORMALISATION)
    return found


def import_lhcb_weights(path: Path, generator: keras.Model, stages: int) -> None:
    """Fill the generator from an npz file with the state dict of the authors' class ``Generator``; all or none.

    Names are ``fc1.weight``, ``conv1.weight`` ... ``conv4.bias``, ``bn1.weight`` ... ``bn3.running_var``, with any
    prefix (``module.fc1.weight``).

    Parameters
    ----------
    path : Path
    generator : keras.Model
        Of :mod:`calosim_tf.models.lhcb_gan`, without attention and spectral normalisation.
    stages : int
        Transposed convolutions.

    Raises
    ------
    DataError
        The file cannot be read, an array is missing, has another shape, is not finite, or has no place in the network.
    """
    stored = {name: value for name, value in read_npz_weights(path).items() if not name.endswith(COUNTER)}
    prefix = next((name.removesuffix("fc1.weight") for name in stored if name.endswith("fc1.weight")), "")
    values, used = [], set()
    for layer, (module, weights) in _layers(stages).items():
        for variable, (weight, turned) in zip(generator.get_layer(layer).weights, weights, strict=True):
            name = f"{prefix}{module}.{weight}"
            used.add(name)
            values.append((variable, _checked(path, stored, name, turned, tuple(variable.shape))))
    more = sorted(set(stored) - used)
    if more:
        raise DataError(f"{path}: found {more[0]} too, expected the weights of lhcb_wgan's generator alone")
    for variable, value in values:
        variable.assign(value)


def _checked(
    path: Path, stored: dict[str, np.ndarray], name: str, turned: Callable, shape: tuple[int, ...]
) -> np.ndarray:
    """Array ``name`` in the order of Keras."""
    if name not in stored:
        raise DataError(f"{path}: found no {name} among {len(stored)} arrays, expected the generator of lhcb_wgan")
    value = stored[name]
    back = turned(np.empty(value.shape, dtype=bool)).shape if value.ndim == len(shape) else None
    if back != shape:
        raise DataError(
            f"{path}: found {name} of shape {value.shape}, expected that of a layer {shape} in Keras; choose network."
            "latent.size and network.generator_filters as in the file"
        )
    if not np.issubdtype(value.dtype, np.floating) or not np.isfinite(value).all():
        raise DataError(f"{path}: found values in {name} that are no finite numbers, expected a sound weights file")
    return turned(value)
