"""Files of layer energies that somebody else's parametrisation has drawn (no TensorFlow)."""

from __future__ import annotations

from os import PathLike
from pathlib import Path

import numpy as np

from calosim_tf.data.hdf5 import HDF5_FAILURES, open_hdf5
from calosim_tf.errors import DataError
from calosim_tf.geometry import VoxelDetector

ENERGIES, LAYERS = "incident_energies", "layer_energies"


def read_layer_energies(path: str | PathLike, detector: VoxelDetector) -> tuple[np.ndarray, np.ndarray]:
    """Incident energies and layer energies, one row per shower to be made.

    Parameters
    ----------
    path : path
        HDF5 with ``incident_energies`` (n,) or (n, 1) and ``layer_energies`` (n, layers), MeV.
    detector : VoxelDetector

    Returns
    -------
    incident_energy_mev : ndarray of float64, shape (n,)
    layer_energy_mev : ndarray of float64, shape (n, layers)

    Raises
    ------
    DataError
        A dataset is missing or of another shape, or holds a number that is no energy.
    """
    with open_hdf5(Path(path)) as file:
        try:
            energy, layers = (np.asarray(file[name][:], dtype=np.float64) for name in (ENERGIES, LAYERS))
        except HDF5_FAILURES as error:
            held = ", ".join(file) or "nothing"
            raise DataError(f"{path}: found {held}, expected the datasets {ENERGIES} and {LAYERS}") from error
    require_layer_energies(str(path), energy, layers, detector)
    return energy.reshape(-1), layers


def require_layer_energies(where: str, energy: np.ndarray, layers: np.ndarray, detector: VoxelDetector) -> None:
    """:class:`DataError` unless these are incident energies and energies of the layers of a detector, in MeV."""
    n, expected = len(energy), len(detector.layers)
    if energy.shape not in ((n,), (n, 1)) or layers.shape != (n, expected) or n == 0:
        raise DataError(
            f"{where}: found {ENERGIES} of shape {energy.shape} and {LAYERS} of shape {layers.shape}, expected (n,) "
            f"and (n, {expected}) for the layers of {detector.name}"
        )
    for name, values, lowest in ((ENERGIES, energy.reshape(n, 1), "> 0"), (LAYERS, layers, ">= 0")):
        sound = np.isfinite(values) & ((values > 0.0) if lowest == "> 0" else (values >= 0.0))
        if not sound.all():
            row = int(np.flatnonzero(~sound.all(axis=1))[0])
            raise DataError(
                f"{where}: {name}, row {row}: found {values[row].tolist()}, expected MeV, finite and {lowest}"
            )
