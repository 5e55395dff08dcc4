"""Showers of layers of equal cells as the (x, y, z) cubes in GeV used by the 3DGAN papers."""

from __future__ import annotations

import numpy as np

from calosim_tf.geometry import VoxelDetector

MEV_PER_GEV = 1e3


def cubes_gev(showers_mev: np.ndarray, detector: VoxelDetector) -> np.ndarray:
    """Cells along x, y and z.

    Parameters
    ----------
    showers_mev : ndarray, shape (n, n_voxels)
        Layer (z) after layer, rows count x, columns y.
    detector : VoxelDetector
        With the file layout of 3DGAN.

    Returns
    -------
    ndarray, shape (n, x, y, z), GeV
    """
    layers = showers_mev.reshape(-1, len(detector.layers), *detector.layers[0].shape)
    return layers.transpose(0, 2, 3, 1) / np.asarray(MEV_PER_GEV, dtype=showers_mev.dtype)
