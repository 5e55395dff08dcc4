"""Figures of merit of the 3DGAN papers as metrics (arXiv 2105.08960, table 2 and figure 9)."""

from __future__ import annotations

import numpy as np

from calosim_tf.physics.metrics.comparison import Comparison
from calosim_tf.physics.metrics.metric import Measured, Metric
from calosim_tf.physics.metrics.statistics import BOOTSTRAP_ERROR, MetricFunction, ratio_with_error
from calosim_tf.physics.observables.bootstrap import BOOTSTRAP_RESAMPLES
from calosim_tf.physics.observables.sample import Sample
from calosim_tf.physics.papers.cubes import cubes_gev
from calosim_tf.physics.papers.three_d_gan import (
    AXES,
    THRESHOLD_GEV,
    Core90,
    fit90_if_possible,
    mse_of_projections,
    shower_projections,
)

NEEDS = frozenset({"cubes"})
THRESHOLD = f"Cells at or below {THRESHOLD_GEV:g} GeV set to 0."
CORE_ERROR = "Error: width of the core over the square root of its showers, or of twice as many for the width itself."
# Showers turned into cubes at a time: 128 MB of 25 x 25 x 25 cells in single precision
BLOCK = 2048
NO_CORE = "too few showers with energy above the threshold for a central 90 %"


def visible_fraction(sample: Sample) -> np.ndarray:
    """Sum of the cells above the threshold over the incident energy, shape (n,)."""
    showers = sample.showers.showers_mev
    threshold_mev = 1e3 * THRESHOLD_GEV
    total = np.empty(len(sample))
    for first in range(0, len(sample), BLOCK):
        cells = showers[sample.rows[first : first + BLOCK]]
        total[first : first + BLOCK] = cells.sum(axis=1, where=cells > threshold_mev, dtype=np.float64)
    return total / sample.incident_mev


def sample_projections(sample: Sample) -> tuple[np.ndarray, ...]:
    """Energy per slice along x, y, z of each shower above the threshold, GeV: three arrays (n, cells)."""
    showers = sample.showers
    blocks = (
        shower_projections(cubes_gev(showers.showers_mev[sample.rows[first : first + BLOCK]], showers.detector))
        for first in range(0, len(sample), BLOCK)
    )
    return tuple(np.concatenate(parts) for parts in zip(*blocks, strict=True))


def _projection_mse(comparison: Comparison, rng: np.random.Generator) -> dict[str, Measured]:
    samples = [sample_projections(sample) for sample in (comparison.reference, comparison.generated)]
    names = ("", *AXES)
    means = [tuple(profile.mean(axis=0) for profile in profiles) for profiles in samples]
    if min(mean[0].sum() for mean in means) <= 0.0:
        return dict.fromkeys(names, Measured.missing("no energy above the threshold"))
    found = mse_of_projections(*means)
    resampled = [_resampled_means(profiles, rng) for profiles in samples]
    draws = np.array(
        [[np.mean((a - b) ** 2) for a, b in zip(*pair, strict=True)] for pair in zip(*resampled, strict=True)]
    )
    errors = (draws.sum(axis=1).std(), *draws.std(axis=0))
    extra = {"bin_sum_gev2": found.bin_sum, "unit_sum": found.unit}
    values = ((found.bin_mean, extra), *((value, {}) for value in found.per_axis))
    return {
        name: Measured(value, float(error), extra=more)
        for name, (value, more), error in zip(names, values, errors, strict=True)
    }


def _resampled_means(profiles: tuple[np.ndarray, ...], rng: np.random.Generator) -> list[tuple[np.ndarray, ...]]:
    """Mean projections of bootstrap samples, one tuple each; the three projections are of the same showers."""
    n = len(profiles[0])
    times_drawn = rng.multinomial(n, np.full(n, 1 / n), size=BOOTSTRAP_RESAMPLES)
    return list(zip(*(times_drawn @ profile / n for profile in profiles), strict=True))


def _core(sample: Sample) -> Core90 | None:
    return fit90_if_possible(visible_fraction(sample))


def _mu90(core: Core90) -> tuple[float, float]:
    return core.mean, core.mean_error


def _sigma90(core: Core90) -> tuple[float, float]:
    return core.relative_width, core.relative_width_error


def _of_core(quantity) -> MetricFunction:
    def value(comparison: Comparison, _: np.random.Generator) -> dict[str, Measured]:
        generated, reference = _core(comparison.generated), _core(comparison.reference)
        if generated is None:
            return {"": Measured.missing(NO_CORE)}
        return {"": Measured(*quantity(generated), quantity(reference)[0] if reference else None)}

    return value


def _ratio_of_core(quantity) -> MetricFunction:
    def ratio(comparison: Comparison, _: np.random.Generator) -> dict[str, Measured]:
        cores = [_core(sample) for sample in (comparison.generated, comparison.reference)]
        if None in cores:
            return {"": Measured.missing(NO_CORE)}
        return {"": ratio_with_error(*quantity(cores[0]), *quantity(cores[1]))}

    return ratio


def _metric(name: str, unit: str, function: MetricFunction, about: str, ideal: float | None = None) -> Metric:
    return Metric(name, unit, function, f"{about} {THRESHOLD}", ideal, needs=NEEDS, detector_specific=True)


THREE_D_METRICS = (
    _metric(
        "projection_mse",
        "GeV^2",
        _projection_mse,
        "Mean squared difference of the mean energies per slice, summed over x, y, z, and per axis; bin_sum_gev2 sums"
        " over the slices, unit_sum is of projections scaled to a sum of 1 (the paper does not give its scale)."
        f" {BOOTSTRAP_ERROR}",
        0.0,
    ),
    _metric(
        "mu90_response",
        "1",
        _of_core(_mu90),
        "Mean of visible over incident energy in the shortest interval that holds 90 % of the showers (mu90)."
        f" {CORE_ERROR}",
    ),
    _metric(
        "mu90_response_ratio",
        "1",
        _ratio_of_core(_mu90),
        f"mu90 of visible over incident energy, generated over reference. {CORE_ERROR}",
        1.0,
    ),
    _metric(
        "sigma90_over_mu90",
        "1",
        _of_core(_sigma90),
        "Standard deviation over mean of visible over incident energy in the shortest interval that holds 90 % of the"
        f" showers. {CORE_ERROR}",
    ),
    _metric(
        "sigma90_over_mu90_ratio",
        "1",
        _ratio_of_core(_sigma90),
        f"sigma90/mu90 of visible over incident energy, generated over reference. {CORE_ERROR}",
        1.0,
    ),
)
