"""What is measured on showers: energies, fractions, centres, widths, sparsity (numpy only).

Definitions are those of the CaloChallenge's high-level features.  A voxel lies at the middle of its ring and of its
angular bin.  Its coordinates are ``eta = r cos(alpha)``, ``phi = r sin(alpha)`` and ``r``, all in mm; a rectangular
cell has ``x`` and ``y``.  Per layer,

    centre = sum(x E) / (sum(E) + 1e-16)        width = sqrt(max(0, sum(x^2 E) / (sum(E) + 1e-16) - centre^2))

with E after the voxel threshold; eta and phi exist only in layers with more than one angular bin.

Showers are read in blocks of rows and summed in float64, so the memory is that of one block whatever the size of the
set.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from calosim_tf.data.schema import ShowerSet
from calosim_tf.errors import DataError
from calosim_tf.geometry import CellLayer, VoxelDetector, VoxelLayer

# 2048 rows of 368 voxels are 6 MB in float64: about the size of a processor's cache.
BLOCK_ROWS = 2048
# Fewer rows of larger showers: 64 MB of them, and a few copies
BLOCK_VOXELS = 8_000_000
# Keeps an empty layer's centre and width at 0 (CaloChallenge definition).
EMPTY_LAYER_MEV = 1e-16


@dataclass(frozen=True, eq=False)
class ShowerFeatures:
    """Numbers per shower, in file order.

    Attributes
    ----------
    total_mev : ndarray, shape (n,)
        Sum of all voxels, no threshold, MeV.
    negative_mev : ndarray, shape (n,)
        Sum of the voxels below 0 (0 or negative), MeV.
    negative_voxels : ndarray of int, shape (n,)
        Number of voxels below 0.
    max_voxel_mev : ndarray, shape (n,)
        Energy of the hottest voxel, MeV.
    per_layer : dict of str to dict of int to ndarray, shape (n,)
        Quantity, then layer id.  ``energy`` (no threshold, MeV); after the threshold: ``energy_thresholded`` (MeV),
        ``centre_<x>`` and ``width_<x>`` (mm, x = eta, phi, r or x, y), ``sparsity`` (1 - fraction of voxels above 0).
    threshold_mev : float
        Voxels below this were set to 0 where "after the threshold" is said.
    """

    total_mev: np.ndarray
    negative_mev: np.ndarray
    negative_voxels: np.ndarray
    max_voxel_mev: np.ndarray
    per_layer: dict[str, dict[int, np.ndarray]]
    threshold_mev: float


def blocks(showers_mev: np.ndarray, rows: np.ndarray | None = None) -> Iterator[tuple[slice, np.ndarray]]:
    """Showers in blocks of rows, float64.

    Parameters
    ----------
    showers_mev : ndarray, shape (n, n_voxels)
    rows : ndarray of int, shape (m,), optional
        Take these rows instead of all.

    Yields
    ------
    slice, ndarray
        Place of the block in the output (0..m), and its showers of shape (block, n_voxels), a copy that may be changed.
    """
    n = len(showers_mev) if rows is None else len(rows)
    step = min(BLOCK_ROWS, max(1, BLOCK_VOXELS // showers_mev.shape[1]))
    for start in range(0, n, step):
        place = slice(start, min(start + step, n))
        block = showers_mev[place] if rows is None else showers_mev[rows[place]]
        yield place, block.astype(np.float64)


def total_energy_mev(showers_mev: np.ndarray) -> np.ndarray:
    """Sum of all voxels of each shower, no threshold: shape (n,), MeV, float64.

    Parameters
    ----------
    showers_mev : ndarray, shape (n, n_voxels)
    """
    total = np.empty(len(showers_mev))
    for place, block in blocks(showers_mev):
        total[place] = block.sum(axis=1)
    return total


def response(total_mev: np.ndarray, incident_energy_mev: np.ndarray) -> np.ndarray:
    """E_tot / E_inc, shape (n,), no unit; the incident energy is the file's number, as in the CaloChallenge."""
    return total_mev / np.asarray(incident_energy_mev, dtype=np.float64).reshape(-1)


def shower_features(showers: ShowerSet, threshold_mev: float | None = None) -> ShowerFeatures:
    """All features of a set of showers.

    Parameters
    ----------
    showers : ShowerSet
        n showers.
    threshold_mev : float, optional
        Voxel threshold of the features that have one; the detector's own if not given.

    Returns
    -------
    ShowerFeatures

    Raises
    ------
    DataError
        If a voxel is not a finite number.
    """
    threshold = showers.detector.threshold_mev if threshold_mev is None else threshold_mev
    n = len(showers)
    total, negative, hottest = np.empty(n), np.empty(n), np.empty(n)
    n_negative = np.empty(n, dtype=np.int64)
    per_layer = _empty_layer_arrays(showers.detector, n)
    for place, block in blocks(showers.showers_mev):
        total[place] = block.sum(axis=1)
        if not np.isfinite(total[place]).all():
            row = place.start + int(np.flatnonzero(~np.isfinite(total[place]))[0])
            raise DataError(f"{showers.source}: shower {row} holds a voxel that is not a finite number")
        hottest[place] = block.max(axis=1)
        below = block < 0
        n_negative[place] = below.sum(axis=1)
        negative[place] = np.sum(block, axis=1, where=below) if n_negative[place].any() else 0.0
        for layer in showers.detector.layers:
            voxels = block[:, showers.detector.layer_slices[layer.layer_id]]
            for quantity, values in _layer_features(voxels, layer, threshold).items():
                per_layer[quantity][layer.layer_id][place] = values
    return ShowerFeatures(total, negative, n_negative, hottest, per_layer, threshold)


def _empty_layer_arrays(detector: VoxelDetector, n: int) -> dict[str, dict[int, np.ndarray]]:
    arrays: dict[str, dict[int, np.ndarray]] = {}
    for layer in detector.layers:
        moments = [f"{kind}_{axis}" for axis in layer.coordinates_mm for kind in ("centre", "width")]
        for quantity in ("energy", "energy_thresholded", "sparsity", *moments):
            arrays.setdefault(quantity, {})[layer.layer_id] = np.empty(n)
    return arrays


def _layer_features(
    voxels_mev: np.ndarray, layer: VoxelLayer | CellLayer, threshold_mev: float
) -> dict[str, np.ndarray]:
    """Features of one layer and one block; ``voxels_mev`` has shape (block, layer.n_voxels)."""
    kept = np.where(voxels_mev < threshold_mev, 0.0, voxels_mev)
    energy = kept.sum(axis=1)
    features = {
        "energy": voxels_mev.sum(axis=1),
        "energy_thresholded": energy,
        "sparsity": 1.0 - np.count_nonzero(kept > 0, axis=1) / layer.n_voxels,
    }
    for axis, x in layer.coordinates_mm.items():
        centre = kept @ x / (energy + EMPTY_LAYER_MEV)
        mean_square = kept @ x**2 / (energy + EMPTY_LAYER_MEV)
        features[f"centre_{axis}"] = centre
        features[f"width_{axis}"] = np.sqrt(np.maximum(0.0, mean_square - centre**2))
    return features


def mean_shower_mev(showers_mev: np.ndarray, rows: np.ndarray | None = None) -> np.ndarray:
    """Mean energy of each voxel, no threshold: shape (n_voxels,), MeV (see :func:`blocks` for the arguments)."""
    total = np.zeros(showers_mev.shape[1])
    n = 0
    for _, block in blocks(showers_mev, rows):
        total += block.sum(axis=0)
        n += len(block)
    return total / max(n, 1)
