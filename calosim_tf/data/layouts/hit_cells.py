"""What the cells of some showers say about the unit that they are in, where their sums cannot (no TensorFlow)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class HitCells:
    """Cells of some showers.

    Attributes
    ----------
    deposits_mev : ndarray, shape (k,)
        Of all cells that are not empty; MeV if the file is in the unit of its layout.
    largest_share : float
        Median over the showers of the largest cell over the incident energy, likewise.
    """

    deposits_mev: np.ndarray
    largest_share: float


def hit_cells(incident_mev: np.ndarray, showers_mev: np.ndarray) -> HitCells | None:
    """The cells of showers that are not empty; None when all are.

    Parameters
    ----------
    incident_mev : ndarray, shape (n,)
    showers_mev : ndarray, shape (n, n_voxels)
    """
    largest = showers_mev.max(axis=1)
    filled = largest > 0
    if not filled.any():
        return None
    return HitCells(showers_mev[showers_mev > 0], float(np.median(largest[filled] / incident_mev[filled])))


@dataclass(frozen=True)
class MostPerCell:
    """More than this no particle leaves in the cells of a detector; they may hold less.

    Attributes
    ----------
    hit_mev : float
        From this deposit on a cell is hit.
    median_mev : float
        Half of the hit cells hold less.
    largest_share : float
        Of the incident energy in the largest cell, median over the showers.
    """

    hit_mev: float
    median_mev: float
    largest_share: float

    def describe_excess(self, cells: HitCells | None, factor: float) -> str | None:
        """What is too much for a cell if all numbers are ``factor`` times too high; None if nothing is."""
        if cells is None:
            return None
        deposits = cells.deposits_mev / factor
        hits = deposits[deposits >= self.hit_mev]
        median = float(np.median(hits)) if len(hits) else 0.0
        if median > self.median_mev:
            return f"half of the cells hit would hold more than {median:.3g} MeV, expected below {self.median_mev:g}"
        share = cells.largest_share / factor
        if share > self.largest_share:
            return (
                f"the largest cell would hold {share:.3g} of the incident energy, expected below {self.largest_share:g}"
            )
        return None
