"""How often a shower has a single hot cell near the edge of the image.

Ratnikov and Rogachev (section 4, fig. 3) saw such cells in showers of their WGAN, fewer in those of the SAGAN, and
gave no number.  The definition here is ours.  A cell counts if

* it lies in one of the outer ``EDGE_CELLS`` rings.  The hottest cell of a shower is never there (in the EGSnrc sample
  always 11 or more cells from the border), so the core of a shower cannot be mistaken for an outlier;
* it holds at least ``ENERGY_MEV`` and at least ``SHARE`` of the shower.  This is well above the 1 MeV or so that single
  secondary particles leave in many true showers, at low energies in absolute and at high energies in relative terms;
* each of its up to 8 neighbours holds less than ``NEIGHBOUR_SHARE`` of it: a true particle that reaches the edge makes
  a small shower, a spurious cell of a network is isolated.

1.1 of 1000 showers of the bundled EGSnrc sample have such a cell.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from calosim_tf.errors import DataError

EDGE_CELLS = 5
ENERGY_MEV = 5.0
SHARE = 1e-3
NEIGHBOUR_SHARE = 0.3


@dataclass(frozen=True)
class Rate:
    """A share of showers with its binomial error.

    ``error`` is half the width of Wilson's 68 % interval ``low`` to ``high``, which is not empty at 0 showers of n.
    """

    value: float
    error: float
    low: float
    high: float
    n: int


def isolated_cells(images_mev: np.ndarray) -> np.ndarray:
    """Mask of the isolated hot cells near the edge, of the shape (n, rows, columns) of ``images_mev``.

    Raises
    ------
    DataError
        If ``images_mev`` is not a stack of images.
    """
    images = np.asarray(images_mev)
    if images.ndim != 3:
        raise DataError(f"images: found shape {images.shape}, expected (n, rows, columns)")
    n, rows, columns = images.shape
    padded = np.full((n, rows + 2, columns + 2), -np.inf, dtype=images.dtype)
    padded[:, 1:-1, 1:-1] = images
    hottest_neighbour = np.full_like(images, -np.inf)
    for row, column in np.ndindex(3, 3):
        if (row, column) != (1, 1):
            np.maximum(hottest_neighbour, padded[:, row : row + rows, column : column + columns], out=hottest_neighbour)
    from_border = np.minimum.outer(
        np.minimum(np.arange(rows), np.arange(rows)[::-1]), np.minimum(np.arange(columns), np.arange(columns)[::-1])
    )
    least = np.maximum(ENERGY_MEV, SHARE * images.sum(axis=(1, 2)))
    return (
        (images >= least[:, None, None]) & (hottest_neighbour < NEIGHBOUR_SHARE * images) & (from_border < EDGE_CELLS)
    )


def isolated_cell_rate(images_mev: np.ndarray) -> Rate:
    """Share of the showers with at least one isolated hot cell near the edge.

    Parameters
    ----------
    images_mev : ndarray, shape (n, rows, columns)

    Raises
    ------
    DataError
        If there is no shower.
    """
    if len(images_mev) == 0:
        raise DataError("isolated cells: found no shower")
    return binomial_rate(int(isolated_cells(images_mev).any(axis=(1, 2)).sum()), len(images_mev))


def binomial_rate(passed: int, n: int) -> Rate:
    """``passed`` of ``n`` with Wilson's interval of one standard deviation."""
    share = passed / n
    middle = (share + 1 / (2 * n)) / (1 + 1 / n)
    half = math.sqrt(share * (1 - share) / n + 1 / (4 * n**2)) / (1 + 1 / n)
    return Rate(share, half, max(middle - half, 0.0), min(middle + half, 1.0), n)
