"""Orders of the voxels that leave showers of central, perpendicular particles as likely as before (no TensorFlow)."""

from __future__ import annotations

import math

import numpy as np

from calosim_tf.errors import ConfigError
from calosim_tf.geometry import VoxelDetector
from calosim_tf.geometry.layers import CellLayer

# Separates these random numbers from others drawn with the same seed
_KEY_DOMAIN = 0x53_594D_4D  # "SYMM"


def symmetric_orders(detector: VoxelDetector) -> np.ndarray:
    """Rotations and mirror images of a detector as index maps.

    Parameters
    ----------
    detector : VoxelDetector
        Of rings: turned by whole angular bins that all layers share, and mirrored.  Of square layers of square cells:
        the eight symmetries of a square.

    Returns
    -------
    ndarray of int64, shape (orders, n_voxels)
        ``showers[:, order]`` is the image; the first is the identity.

    Raises
    ------
    ConfigError
        The layers have none of these symmetries.
    """
    if isinstance(detector.layers[0], CellLayer):
        return _square_orders(detector)
    turns = math.gcd(*(layer.n_alpha for layer in detector.layers if layer.n_alpha > 1)) or 1
    return np.array([_turned(detector, turn, turns, mirrored) for turn in range(turns) for mirrored in (False, True)])


def random_orders(n_orders: int, seed: int, start: int, count: int) -> np.ndarray:
    """Number of an order for each of the training showers ``start ... start + count - 1`` of the sequence."""
    draws = np.random.Philox(key=[seed, _KEY_DOMAIN], counter=[start, 0, 0, 0]).random_raw(4 * count)
    # the first of the four words that each counter value yields, so that any start sees the same numbers
    return (draws[::4] % np.uint64(n_orders)).astype(np.int64)


def _turned(detector: VoxelDetector, turn: int, turns: int, mirrored: bool) -> np.ndarray:
    found = []
    for layer, first in zip(detector.layers, detector.offsets, strict=False):
        image = first + np.arange(layer.n_voxels).reshape(layer.shape)
        # angular bins lie symmetrically around 0
        image = image[::-1] if mirrored else image
        shift = turn * layer.n_alpha // turns if layer.n_alpha > 1 else 0
        found.append(np.roll(image, shift, axis=0).ravel())
    return np.concatenate(found)


def _square_orders(detector: VoxelDetector) -> np.ndarray:
    for layer in detector.layers:
        if layer.n_rows != layer.n_columns or layer.row_mm != layer.column_mm:
            raise ConfigError(
                f"data.symmetry: found a layer of {layer.n_rows} x {layer.n_columns} cells in {detector.name}, "
                "expected square layers of square cells: set it to none"
            )
    orders = []
    for turn in range(4):
        for mirrored in (False, True):
            parts = []
            for layer, first in zip(detector.layers, detector.offsets, strict=False):
                image = np.rot90(first + np.arange(layer.n_voxels).reshape(layer.shape), turn)
                parts.append((image.T if mirrored else image).ravel())
            orders.append(np.concatenate(parts))
    return np.array(orders)
