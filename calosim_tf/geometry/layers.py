"""One calorimeter layer, cut into rings or into rectangular cells (no TensorFlow)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np


@dataclass(frozen=True)
class VoxelLayer:
    """One calorimeter layer, cut into rings and angular bins.

    Attributes
    ----------
    layer_id : int
        Number of the layer in the detector (ATLAS sampling number for data set 1).
    r_edges_mm : tuple of float
        Radial bin edges, mm, increasing.
    n_alpha : int
        Number of equal angular bins in [-pi, pi).
    """

    layer_id: int
    r_edges_mm: tuple[float, ...]
    n_alpha: int

    @property
    def n_r(self) -> int:
        return len(self.r_edges_mm) - 1

    @property
    def n_voxels(self) -> int:
        return self.n_r * self.n_alpha

    @cached_property
    def r_mid_mm(self) -> np.ndarray:
        """Centres of the radial bins, shape (n_r,)."""
        edges = np.asarray(self.r_edges_mm, dtype=np.float64)
        return 0.5 * (edges[1:] + edges[:-1])

    @cached_property
    def alpha_edges(self) -> np.ndarray:
        """Edges of the angular bins in rad, shape (n_alpha + 1,)."""
        return np.linspace(-math.pi, math.pi, self.n_alpha + 1)

    @cached_property
    def alpha_mid(self) -> np.ndarray:
        """Centres of the angular bins in rad, shape (n_alpha,)."""
        return 0.5 * (self.alpha_edges[1:] + self.alpha_edges[:-1])

    @property
    def shape(self) -> tuple[int, int]:
        """Angular bins, rings: the layer image, r fastest."""
        return self.n_alpha, self.n_r

    @cached_property
    def coordinates_mm(self) -> dict[str, np.ndarray]:
        """Middle of each voxel in file order: name -> shape (n_voxels,), mm.

        ``r``, ``eta = r cos(alpha)`` and ``phi = r sin(alpha)``.  A layer with a single angular bin has only the first:
        the others would be 0 for every shower.
        """
        alpha, r = np.meshgrid(self.alpha_mid, self.r_mid_mm, indexing="ij")
        coordinates = {"r": r.ravel()}
        if self.n_alpha > 1:
            coordinates["eta"] = (r * np.cos(alpha)).ravel()
            coordinates["phi"] = (r * np.sin(alpha)).ravel()
        return coordinates


@dataclass(frozen=True)
class CellLayer:
    """One calorimeter layer, cut into equal rectangular cells.

    Attributes
    ----------
    layer_id : int
        Number of the layer in the detector.
    n_rows, n_columns : int
        Cells along the two axes of its image.
    row_mm, column_mm : float
        Size of a cell along the rows and along the columns, mm; the middle of the layer is at 0.
    row_axis, column_axis : str
        Coordinate that counts the rows, and the one that counts the columns.
    """

    layer_id: int
    n_rows: int
    n_columns: int
    row_mm: float
    column_mm: float
    row_axis: str = "y"
    column_axis: str = "x"

    @property
    def n_voxels(self) -> int:
        return self.n_rows * self.n_columns

    @property
    def shape(self) -> tuple[int, int]:
        """Rows, columns: the layer image."""
        return self.n_rows, self.n_columns

    @cached_property
    def row_edges_mm(self) -> np.ndarray:
        """Edges between rows, shape (n_rows + 1,), mm."""
        return _centred_edges(self.n_rows, self.row_mm)

    @cached_property
    def column_edges_mm(self) -> np.ndarray:
        """Edges between columns, shape (n_columns + 1,), mm."""
        return _centred_edges(self.n_columns, self.column_mm)

    @cached_property
    def coordinates_mm(self) -> dict[str, np.ndarray]:
        """Middle of each cell, row after row: axis name -> shape (n_voxels,), mm."""
        rows, columns = np.meshgrid(_middles(self.row_edges_mm), _middles(self.column_edges_mm), indexing="ij")
        return {self.row_axis: rows.ravel(), self.column_axis: columns.ravel()}


def _centred_edges(n_cells: int, size_mm: float) -> np.ndarray:
    return (np.arange(n_cells + 1) - n_cells / 2) * size_mm


def _middles(edges: np.ndarray) -> np.ndarray:
    return 0.5 * (edges[1:] + edges[:-1])
