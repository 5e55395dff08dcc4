"""Showers that are moved sideways: energy of a voxel shared out over the voxels that its moved area covers."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from calosim_tf.geometry import CellLayer, VoxelDetector, VoxelLayer

# Points per voxel, across and along: a voxel's energy is spread evenly over them (our choice).
RADIAL_POINTS = 6
ANGULAR_POINTS = 96  # of a whole ring
CELL_POINTS = 8


def move_showers(
    showers_mev: np.ndarray, detector: VoxelDetector, displacements_mm: np.ndarray, choice: np.ndarray
) -> np.ndarray:
    """Move each shower by one of a few displacements; energy that leaves the detector stays in the outermost voxel.

    Parameters
    ----------
    showers_mev : ndarray, shape (n, n_voxels)
    detector : VoxelDetector
    displacements_mm : ndarray, shape (k, 2)
        Along eta and phi of a layer of rings, along columns and rows of a layer of cells.
    choice : ndarray of int, shape (n,)
        Row of ``displacements_mm`` of each shower.

    Returns
    -------
    ndarray, shape (n, n_voxels), float32
    """
    moved = np.empty_like(showers_mev, dtype=np.float32)
    for k, displacement in enumerate(displacements_mm):
        rows = np.flatnonzero(choice == k)
        if len(rows):
            for layer in detector.layers:
                voxels = detector.layer_slices[layer.layer_id]
                moved[rows, voxels] = showers_mev[rows, voxels] @ transfer_matrix(layer, displacement)
    return moved


def transfer_matrix(layer: VoxelLayer | CellLayer, displacement_mm: np.ndarray) -> np.ndarray:
    """Share of each voxel's energy that ends up in each voxel: shape (n_voxels, n_voxels), rows sum to 1.

    Parameters
    ----------
    layer : VoxelLayer or CellLayer
    displacement_mm : array_like, shape (2,)
        As in :func:`move_showers`.
    """
    points, weights, voxel = _points(layer)
    target = _voxel_at(layer, points + np.asarray(displacement_mm))
    matrix = np.zeros((layer.n_voxels, layer.n_voxels))
    np.add.at(matrix, (voxel, target), weights)
    return matrix / matrix.sum(axis=1, keepdims=True)


def _points(layer: VoxelLayer | CellLayer) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Points (p, 2) in mm, their weights (p,) and the voxel they lie in (p,)."""
    if isinstance(layer, CellLayer):
        columns, rows = (
            _middles(np.linspace(edges[0], edges[-1], CELL_POINTS * (len(edges) - 1) + 1))
            for edges in (layer.column_edges_mm, layer.row_edges_mm)
        )
        y, x = (axis.ravel() for axis in np.meshgrid(rows, columns, indexing="ij"))
        points = np.stack([x, y], axis=1)
        return points, np.ones(len(points)), _voxel_at(layer, points)
    per_bin = -(-ANGULAR_POINTS // layer.n_alpha)
    angle = _middles(np.linspace(-np.pi, np.pi, per_bin * layer.n_alpha + 1))
    edges = np.asarray(layer.r_edges_mm)
    radius = np.concatenate([_middles(np.linspace(*pair, RADIAL_POINTS + 1)) for pair in pairwise(edges)])
    a, r = (axis.ravel() for axis in np.meshgrid(angle, radius, indexing="ij"))
    points = np.stack([r * np.cos(a), r * np.sin(a)], axis=1)
    # a ring's points stand for an area that grows with the radius
    return points, r, _voxel_at(layer, points)


def _voxel_at(layer: VoxelLayer | CellLayer, points_mm: np.ndarray) -> np.ndarray:
    x, y = points_mm.T
    if isinstance(layer, CellLayer):
        column, row = _bin(layer.column_edges_mm, x), _bin(layer.row_edges_mm, y)
        return row * layer.n_columns + column
    return _bin(layer.alpha_edges, np.arctan2(y, x)) * layer.n_r + _bin(np.asarray(layer.r_edges_mm), np.hypot(x, y))


def _bin(edges: np.ndarray, values: np.ndarray) -> np.ndarray:
    return np.clip(np.searchsorted(edges, values, side="right") - 1, 0, len(edges) - 2)


def _middles(edges: np.ndarray) -> np.ndarray:
    return 0.5 * (edges[1:] + edges[:-1])
