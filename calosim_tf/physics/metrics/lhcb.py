"""Scores of LHCb showers as metrics: PRD-AUC of cells and of physics statistics, density and coverage, isolated cells.

Those of :mod:`calosim_tf.physics.papers.lhcb_scores`, each next to its value for real showers against real ones.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np

from calosim_tf.errors import ConfigError
from calosim_tf.physics.distances.prd import Prd
from calosim_tf.physics.metrics.comparison import Comparison
from calosim_tf.physics.metrics.metric import OVERALL, Measured, Metric
from calosim_tf.physics.observables.sample import Sample
from calosim_tf.physics.papers.lhcb_scores import (
    GEOMETRIC,
    PHYSICS,
    RAW,
    LhcbScores,
    LhcbShowers,
    ScoreSettings,
    lhcb_scores,
)
from calosim_tf.physics.papers.lhcb_statistics import SHAPES

NEEDS = frozenset({"lhcb"})
DENSITY_COVERAGE = ("precision", "recall", "density", "coverage")
# Final score -> the two spaces of which it is the smaller
FINALS = {"final": (RAW, PHYSICS), "final_geometric": (RAW, GEOMETRIC)}
# Our choice for the list of `evaluate`: single statistics and more showers take minutes
LISTED, LISTED_SHOWERS = ScoreSettings(statistics=()), 2000

ABOUT = {
    RAW: "900 cells in MeV.",
    PHYSICS: "24 statistics to the letter of the authors' evaluation code, not scaled.",
    GEOMETRIC: "24 statistics in cm along and across the trajectory, scaled by mean and width of the reference.",
} | {name: f"The smaller of prd_auc_{raw} and prd_auc_{physics}." for name, (raw, physics) in FINALS.items()}
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


def lhcb_metrics(settings: ScoreSettings, most: int | None = None) -> tuple[Metric, ...]:
    """The scores as metrics.

    Parameters
    ----------
    settings : ScoreSettings
        The pitch of the cells is that of the detector.
    most : int, optional
        Showers of either sample that they look at; all unless given.
    """

    asks = {"needs": NEEDS, "detector_specific": True, "least": settings.n_clusters, "most": most}

    def metric(name: str, read: Callable[[LhcbScores], Measured], about: str, ideal: float | None) -> Metric:
        def measured(comparison: Comparison, _: np.random.Generator) -> dict[str, Measured]:
            try:
                return {"": read(scores_of(comparison, settings, most))}
            except ConfigError as error:  # scikit-learn is an extra
                return {"": Measured.missing(str(error))}

        return Metric(name, "1", measured, about, ideal, (OVERALL,), **asks)

    areas = [
        metric(f"prd_auc_{name}", _area(name), f"{ABOUT.get(name, '')} {PRD_ABOUT}".strip(), 1.0)
        for name in (*_spaces(settings), *FINALS)
    ]
    neighbours = [
        metric(f"{measure}_{name}", _neighbours(name, measure), f"{NEIGHBOUR_ABOUT} {ABOUT[space]}", 1.0)
        for name, space in ((RAW, RAW), (PHYSICS, GEOMETRIC))
        for measure in DENSITY_COVERAGE
    ]
    return (*areas, *neighbours, metric("isolated_cell_rate", _isolated, ISOLATED_ABOUT, None))


def scores_of(comparison: Comparison, settings: ScoreSettings, most: int | None = None) -> LhcbScores:
    """All scores of a comparison, computed once."""

    def score() -> LhcbScores:
        detector = comparison.reference.showers.detector
        samples = (_as_lhcb(sample, most) for sample in (comparison.reference, comparison.generated))
        return lhcb_scores(*samples, replace(settings, cell_cm=detector.layers[0].row_mm / 10))

    return comparison.shared(("lhcb_scores", settings, most), score)


def _as_lhcb(sample: Sample, most: int | None) -> LhcbShowers:
    sample = sample if most is None else sample.at_most(most)
    images = sample.showers.detector.layer_image(sample.voxels_mev(), 0)
    attributes = sample.showers.attributes[sample.rows]
    return LhcbShowers(images, attributes[:, :3], attributes[:, 3:5], sample.showers.source)


def _spaces(settings: ScoreSettings) -> Iterator[str]:
    yield from (RAW, PHYSICS, GEOMETRIC)
    for name in settings.statistics:
        yield name
        if name in SHAPES:
            yield f"{name}_geometric"


def _area(name: str) -> Callable[[LhcbScores], Measured]:
    def measured(scores: LhcbScores) -> Measured:
        limiting = min(FINALS[name], key=lambda space: scores.areas[space].auc) if name in FINALS else name
        area = scores.areas[limiting]
        limited = {"limited_by": f"prd_auc_{limiting}"} if name in FINALS else {}
        return Measured(area.auc, area.sampling_error, extra=_clustering(area) | limited, twice=("run_spread",))

    return measured


def _clustering(area: Prd) -> dict[str, float | int | None]:
    """How the area was measured; JSON has no NaN, so the spread of a single clustering is null."""
    spread = area.run_spread if math.isfinite(area.run_spread) else None
    return {"run_spread": spread, "n_clusters": area.n_clusters, "n_runs": area.n_runs}


def _neighbours(name: str, measure: str) -> Callable[[LhcbScores], Measured]:
    def measured(scores: LhcbScores) -> Measured:
        found = scores.neighbours[name]
        value, error = (getattr(found, key) for key in (measure, f"{measure}_error"))
        return Measured(value, error, extra={"n_neighbours": found.n_neighbours})

    return measured


def _isolated(scores: LhcbScores) -> Measured:
    made, real = scores.isolated, scores.reference_isolated
    extra = {"low": made.low, "high": made.high, "reference_value_error": real.error}
    return Measured(made.value, made.error, real.value, extra)


LHCB_METRICS = lhcb_metrics(LISTED, LISTED_SHOWERS)
