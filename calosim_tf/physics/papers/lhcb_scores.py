"""Scores of LHCb showers: PRD-AUC of cells and of physics statistics, density and coverage, isolated cells.

Ratnikov and Rogachev (section 3.3) judge by the smaller of two PRD-AUC, of raw images and of physics statistics, both
in MeV on test showers.  Neither the number of showers nor that of clusters is printed, and both move the score: so
every number here stands beside that of real showers against real showers of the same size, clusters and clusterings.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace

import numpy as np

from calosim_tf.errors import DataError
from calosim_tf.physics.distances.density_coverage import N_NEIGHBOURS, DensityCoverage, density_coverage
from calosim_tf.physics.distances.prd import Prd, prd, subsample_rows
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
DENSITY_COVERAGE = ("precision", "recall", "density", "coverage")
# Points of the curves that are kept: every tenth of the 1001 angles.
CURVE_STEP = 10

ABOUT = {
    RAW: "900 cells in MeV.",
    PHYSICS: "24 statistics to the letter of the authors' evaluation code, not scaled.",
    GEOMETRIC: "24 statistics in cm along and across the trajectory, scaled by mean and width of the reference.",
}
PRD_ABOUT = (
    "PRD-AUC. Error: cluster counts redrawn at fixed clusters, up to twice too large where two samples agree;"
    " run_spread: standard deviation over the clusterings, no statistical error. Reference against reference has other"
    " incident particles, generated showers may have the reference's: they can score a little above it."
)
NEIGHBOUR_ABOUT = (
    "Naeem et al. 2020. Error: standard error of the mean with the other sample held fixed, a lower bound."
)
ISOLATED_ABOUT = (
    "Share of showers with a hot cell in the outer 5 rings (at least 5 MeV and 0.001 of the shower) whose neighbours"
    " all hold less than 0.3 of it. Error: half of Wilson's 68 % interval."
)


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
        What the showers are, in words that may stand beside a number.
    """

    images_mev: np.ndarray
    momentum_gev: np.ndarray
    point_cm: np.ndarray
    source: str

    def __len__(self) -> int:
        return len(self.images_mev)

    def take(self, rows: np.ndarray) -> LhcbShowers:
        """The showers of ``rows``, in that order."""
        parts = (array[rows] for array in (self.images_mev, self.momentum_gev, self.point_cm))
        return LhcbShowers(*parts, source=self.source)


@dataclass(frozen=True)
class ScoreSettings:
    """How the scores are measured; printed with them.

    Attributes
    ----------
    n_clusters, n_runs : int
        Of every PRD. The authors' code has 100 runs, which takes ten times as long.
    n_showers : int or None
        Per sample; None for as many as all samples have.
    n_neighbours : int
        Of density and coverage.
    statistics : tuple of str
        Entries of ``STATISTICS`` with a PRD-AUC of their own.
    cell_cm : float
        Pitch of the cells, for the geometric statistics.
    seed : int
    """

    n_clusters: int = 100
    n_runs: int = 10
    n_showers: int | None = None
    n_neighbours: int = N_NEIGHBOURS
    statistics: tuple[str, ...] = PICTURE_STATISTICS
    cell_cm: float = CELL_CM
    seed: int = 0


@dataclass(frozen=True)
class _Scored:
    """All measurements of one sample against the reference."""

    areas: dict[str, Prd]
    neighbours: dict[str, DensityCoverage]
    isolated: Rate


def lhcb_scores(
    reference: LhcbShowers, evaluated: LhcbShowers, control: LhcbShowers, settings: ScoreSettings | None = None
) -> dict:
    """All scores of one sample; see :func:`lhcb_score_table`, whose entry this is."""
    return lhcb_score_table(reference, {"evaluated": evaluated}, control, settings)["evaluated"]


def lhcb_score_table(
    reference: LhcbShowers,
    models: Mapping[str, LhcbShowers],
    control: LhcbShowers,
    settings: ScoreSettings | None = None,
) -> dict[str, dict]:
    """All scores of several samples at one common size, so that they can be compared.

    Parameters
    ----------
    reference : LhcbShowers
        Real showers that no model was trained on.
    models : mapping of str to LhcbShowers
        Generated showers by name. Those made for the reference's particles stay beside them if the numbers are equal.
    control : LhcbShowers
        Real showers independent of the reference: scored as if they were a model.
    settings : ScoreSettings, optional

    Returns
    -------
    dict
        Name -> document that JSON can hold: ``reference``, ``generated``, ``control`` (sources), ``settings``, ``n``,
        ``metrics`` (name -> entry as in ``metrics.json``) and ``curves`` (``raw``, ``physics``, ``physics_geometric``
        -> ``generated`` and ``reference_vs_reference`` -> ``precision`` and ``recall``).

    Raises
    ------
    ConfigError
        If a setting is out of range or scikit-learn is missing.
    DataError
        If a sample is too small or not a set of LHCb showers.
    """
    settings = settings or ScoreSettings()
    unknown = sorted(set(settings.statistics) - set(STATISTICS))
    if unknown:
        raise DataError(f"shower statistics: {unknown[0]!r} is unknown, use entries of {', '.join(STATISTICS)}")
    n = settings.n_showers or min(len(showers) for showers in (reference, control, *models.values()))
    settings = replace(settings, n_showers=n)

    def cut(showers: LhcbShowers) -> LhcbShowers:
        return showers.take(subsample_rows(len(showers), n, settings.seed))

    reference = cut(reference)
    yardstick = _score(reference, cut(control), settings)
    real_rate = isolated_cell_rate(reference.images_mev)
    documents = {}
    for name, showers in models.items():
        scored = _score(reference, cut(showers), settings)
        documents[name] = {
            "reference": reference.source,
            "generated": showers.source,
            "control": control.source,
            "n": n,
            "settings": asdict(settings),
            "metrics": _entries(scored, yardstick, real_rate, settings),
            "curves": {
                space: {
                    "generated": _curve(scored.areas[space]),
                    "reference_vs_reference": _curve(yardstick.areas[space]),
                }
                for space in (RAW, PHYSICS, GEOMETRIC)
            },
        }
    return documents


def _score(reference: LhcbShowers, sample: LhcbShowers, settings: ScoreSettings) -> _Scored:
    spaces = _spaces(reference, sample, settings)
    areas = {
        name: prd(*pair, n_clusters=settings.n_clusters, n_runs=settings.n_runs, seed=settings.seed)
        for name, pair in spaces.items()
    }
    neighbours = {
        suffix: density_coverage(*spaces[space], settings.n_neighbours)
        for suffix, space in (("", RAW), ("_physics", GEOMETRIC))
    }
    return _Scored(areas, neighbours, isolated_cell_rate(sample.images_mev))


def _spaces(
    reference: LhcbShowers, sample: LhcbShowers, settings: ScoreSettings
) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Score name -> rows of the reference and of the sample that it clusters."""
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


def _entries(scored: _Scored, yardstick: _Scored, real_rate: Rate, settings: ScoreSettings) -> dict[str, dict]:
    n = settings.n_showers
    entries = {
        f"prd_auc_{name}": _prd_entry(f"prd_auc_{name}", area, yardstick.areas[name], ABOUT.get(name, ""))
        for name, area in scored.areas.items()
    }
    for name, physics in (("prd_auc_final", PHYSICS), ("prd_auc_final_geometric", GEOMETRIC)):
        entries[name] = _final_entry(name, scored.areas, yardstick.areas, physics)
    for suffix, result in scored.neighbours.items():
        real = yardstick.neighbours[suffix]
        for measure in DENSITY_COVERAGE:
            values = (getattr(r, key) for r in (result, real) for key in (measure, f"{measure}_error"))
            note = f"{NEIGHBOUR_ABOUT} {ABOUT[GEOMETRIC if suffix else RAW]}"
            entry = _entry(f"{measure}{suffix}", *values, n, note, ideal=1.0)
            entries[f"{measure}{suffix}"] = entry | {"n_neighbours": result.n_neighbours}
    made, other = scored.isolated, yardstick.isolated
    entry = _entry("isolated_cell_rate", made.value, made.error, other.value, other.error, n, ISOLATED_ABOUT, None)
    entry |= {"low": made.low, "high": made.high}
    entry |= {"reference_value": real_rate.value, "reference_value_error": real_rate.error}
    return entries | {"isolated_cell_rate": entry}


def _prd_entry(name: str, area: Prd, real: Prd, about: str) -> dict:
    values = (area.auc, area.sampling_error, real.auc, real.sampling_error)
    return _entry(name, *values, area.n, f"{about} {PRD_ABOUT}".strip(), ideal=1.0) | {
        "run_spread": _number(area.run_spread),
        "reference_vs_reference_run_spread": _number(real.run_spread),
        "n_clusters": area.n_clusters,
        "n_runs": area.n_runs,
    }


def _final_entry(name: str, areas: Mapping[str, Prd], real: Mapping[str, Prd], physics: str) -> dict:
    """The smaller of raw and physics, and likewise for real against real, with the errors of the smaller."""
    limiting = min((RAW, physics), key=lambda space: areas[space].auc)
    real_limiting = min((RAW, physics), key=lambda space: real[space].auc)
    about = f"The smaller of prd_auc_{RAW} and prd_auc_{physics}."
    return _prd_entry(name, areas[limiting], real[real_limiting], about) | {"limited_by": f"prd_auc_{limiting}"}


def _entry(
    name: str, value: float, error: float, real: float, real_error: float, n: int, note: str, ideal: float | None
) -> dict:
    return {
        "value": value,
        "error": error,
        "reference_vs_reference": real,
        "reference_vs_reference_error": real_error,
        "n": n,
        "n_reference": n,
        "unit": "1",
        "note": note,
        "ideal": ideal,
        "metric": name,
    }


def _number(value: float) -> float | None:
    """JSON knows no NaN: the spread of a single clustering is null."""
    return value if math.isfinite(value) else None


def _curve(result: Prd) -> dict[str, list[float]]:
    return {name: getattr(result, name)[::CURVE_STEP].tolist() for name in ("precision", "recall")}
