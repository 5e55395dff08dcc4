"""Scores of LHCb showers: PRD-AUC of cells and of physics statistics, density and coverage, isolated cells.

Ratnikov and Rogachev (section 3.3) judge by the smaller of two PRD-AUC, of raw images and of physics statistics, both
in MeV on test showers.  Neither the number of showers nor that of clusters is printed, and both move the score.  Every
number here is therefore shown next to that of real showers against real showers of the same size, clusters and
clusterings.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from calosim_tf.errors import DataError
from calosim_tf.physics.distances.density_coverage import N_NEIGHBOURS, DensityCoverage, density_coverage
from calosim_tf.physics.distances.prd import Prd, prd
from calosim_tf.physics.papers.isolated_cells import Rate, isolated_cell_rate
from calosim_tf.physics.papers.lhcb_statistics import (
    CELL_CM,
    PICTURE_STATISTICS,
    SHAPES,
    STATISTICS,
    shower_statistics,
    standardised,
)

RAW, PHYSICS, GEOMETRIC = "raw", "physics", "physics_geometric"


@dataclass(frozen=True)
class LhcbShowers:
    """Showers with the particles that made them.

    Attributes
    ----------
    images_mev : ndarray, shape (n, 30, 30)
        Row follows y, column follows x.
    momentum_gev : ndarray, shape (n, 3)
    point_cm : ndarray, shape (n, 2)
    source : str
        Provenance label, shown next to numbers.
    """

    images_mev: np.ndarray
    momentum_gev: np.ndarray
    point_cm: np.ndarray
    source: str

    def __len__(self) -> int:
        return len(self.images_mev)


@dataclass(frozen=True)
class ScoreSettings:
    """How the scores are measured; printed with them.

    Attributes
    ----------
    n_clusters, n_runs : int
        Of every PRD. The authors' code has 100 runs, which takes ten times as long.
    n_neighbours : int
        Of density and coverage.
    statistics : tuple of str
        Entries of ``STATISTICS`` with their own PRD-AUC.
    cell_cm : float
        Pitch of the cells, for the geometric statistics.
    seed : int
    """

    n_clusters: int = 100
    n_runs: int = 10
    n_neighbours: int = N_NEIGHBOURS
    statistics: tuple[str, ...] = PICTURE_STATISTICS
    cell_cm: float = CELL_CM
    seed: int = 0


@dataclass(frozen=True)
class LhcbScores:
    """All measurements of one sample against a reference.

    Attributes
    ----------
    areas : dict of str to Prd
        By space: ``raw``, ``physics``, ``physics_geometric``, and the single statistics.
    neighbours : dict of str to DensityCoverage
        Of ``raw`` cells, and of ``physics``: the geometric statistics.
    isolated, reference_isolated : Rate
        Showers with an isolated hot cell in the sample and in the reference.
    """

    areas: dict[str, Prd]
    neighbours: dict[str, DensityCoverage]
    isolated: Rate
    reference_isolated: Rate


def lhcb_scores(reference: LhcbShowers, sample: LhcbShowers, settings: ScoreSettings) -> LhcbScores:
    """All scores of a sample.

    Parameters
    ----------
    reference : LhcbShowers
        Real showers that no model was trained on.
    sample : LhcbShowers
        Generated showers; those made for the reference's particles stay beside them if the numbers are equal.
    settings : ScoreSettings

    Raises
    ------
    ConfigError
        If a setting is out of range or scikit-learn is missing.
    DataError
        If a sample is too small or not a set of LHCb showers.
    """
    spaces = _spaces(reference, sample, settings)
    areas = {
        name: prd(*pair, n_clusters=settings.n_clusters, n_runs=settings.n_runs, seed=settings.seed)
        for name, pair in spaces.items()
    }
    neighbours = {
        name: density_coverage(*spaces[space], settings.n_neighbours)
        for name, space in ((RAW, RAW), (PHYSICS, GEOMETRIC))
    }
    rates = (isolated_cell_rate(showers.images_mev) for showers in (sample, reference))
    return LhcbScores(areas, neighbours, *rates)


def _spaces(
    reference: LhcbShowers, sample: LhcbShowers, settings: ScoreSettings
) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Score name -> rows of the reference and of the sample that it clusters."""
    unknown = sorted(set(settings.statistics) - set(STATISTICS))
    if unknown:
        raise DataError(f"shower statistics: {unknown[0]!r} is unknown, use entries of {', '.join(STATISTICS)}")
    both = (reference, sample)
    authors, geometric = (
        [shower_statistics(s.images_mev, s.momentum_gev, s.point_cm, mode=mode, cell_cm=settings.cell_cm) for s in both]
        for mode in ("authors", "geometric")
    )
    spaces = {
        RAW: tuple(s.images_mev.reshape(len(s), -1) for s in both),
        PHYSICS: tuple(authors),
        GEOMETRIC: tuple(standardised(*geometric)),
    }
    for name in settings.statistics:
        column = [STATISTICS.index(name)]
        spaces[name] = tuple(values[:, column] for values in authors)
        if name in SHAPES:  # sparsity is the same in both modes
            spaces[f"{name}_geometric"] = tuple(values[:, column] for values in geometric)
    return spaces
