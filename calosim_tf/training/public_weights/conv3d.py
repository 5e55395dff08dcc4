"""Weights of the public Conv3D generator (Keras 2, HDF5) into the generator of this package."""

from __future__ import annotations

from pathlib import Path

import h5py
import keras
import numpy as np

from calosim_tf.data.hdf5 import HDF5_FAILURES, open_hdf5
from calosim_tf.errors import DataError

# The dense layer's output seen as (channel, x, y, z) in files that were trained with channels first
CHANNELS_FIRST_SHAPE = (8, 7, 7, 8)


def import_weights(path: Path, generator: keras.Model, *, channels_first: bool = False) -> None:
    """Fill the Conv3D generator from a weights file; layers are matched by name, and all or none is changed.

    The file holds ``dense_1``, ``conv3d_1`` ... ``conv3d_4``, ``batch_normalization_1`` and ``_2``, each with its
    weights under Keras' names, at the top or inside of a nested model; a complete model file does as well.

    Parameters
    ----------
    path : Path
    generator : keras.Model
        Of :mod:`calosim_tf.models.conv3d_3dgan`; the public files have ``first_filters = 64``.
    channels_first : bool
        The file was trained with channels first: the columns of its dense layer are put in the order of channels last.
        The file itself does not say.

    Raises
    ------
    DataError
        The file cannot be read, a weight is missing, is there twice, has another shape, or is not finite.
    """
    stored = _read(path)
    values = []
    for layer in generator.layers:
        for variable in layer.weights:
            name = f"{layer.name}/{_short(variable.name)}"
            value = _checked(path, stored, name, tuple(variable.shape))
            if channels_first and layer.name == "dense_1":
                value = _channels_last(value)
            values.append((variable, value))
    for variable, value in values:
        variable.assign(value)


def _read(path: Path) -> dict[str, np.ndarray]:
    """All tensors by ``layer/weight``, whatever groups they lie in."""
    found: dict[str, np.ndarray] = {}

    def collect(place: str, item) -> None:
        parts = place.split("/")
        # an optimiser's moments carry the names of the weights they belong to
        if not isinstance(item, h5py.Dataset) or len(parts) < 2 or parts[0] == "optimizer_weights":
            return
        name = f"{parts[-2]}/{_short(parts[-1])}"
        if name in found:
            raise DataError(f"{path}: found {name} twice, expected the weights of one generator")
        found[name] = item[()]

    try:
        with open_hdf5(path) as file:
            file.visititems(collect)
    except HDF5_FAILURES as error:
        raise DataError(f"{path}: cannot be read ({error}), expected a Keras weights file in HDF5") from error
    return found


def _checked(path: Path, stored: dict[str, np.ndarray], name: str, shape: tuple[int, ...]) -> np.ndarray:
    if name not in stored:
        raise DataError(
            f"{path}: found no {name} among {len(stored)} tensors, expected the weights of the Conv3D generator"
        )
    value = stored[name]
    if value.shape != shape:
        raise DataError(
            f"{path}: found {name} of shape {value.shape}, expected {shape}; choose network.first_filters as in the "
            "file (64 in the public ones)"
        )
    if not np.issubdtype(value.dtype, np.floating) or not np.isfinite(value).all():
        raise DataError(f"{path}: found values in {name} that are no finite numbers, expected a sound weights file")
    return value


def _channels_last(value: np.ndarray) -> np.ndarray:
    columns = value.reshape(*value.shape[:-1], *CHANNELS_FIRST_SHAPE)
    return np.moveaxis(columns, -4, -1).reshape(value.shape)


def _short(name: str) -> str:
    """``kernel`` from ``dense_1/kernel:0``."""
    return name.rpartition("/")[2].partition(":")[0]
