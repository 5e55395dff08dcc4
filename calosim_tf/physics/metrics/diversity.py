"""Diversity and memorisation: structural similarity, birthday-paradox support size, nearest training neighbour."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from calosim_tf.physics.distances.shower_similarity import (
    partner_rows,
    picture_groups,
    shower_similarity,
    similarity_of_pairs,
)
from calosim_tf.physics.distances.support_size import PairDistances, Support, calibrated_limit, support, support_size
from calosim_tf.physics.metrics.comparison import Comparison
from calosim_tf.physics.metrics.metric import OVERALL, Measured, Metric
from calosim_tf.physics.metrics.statistics import MetricFunction, mean_with_error
from calosim_tf.physics.observables.sample import Sample
from calosim_tf.physics.observables.shower_shapes import layer_energies

SIMILARITY_PAIRS = 1_000
# Our choices: showers per sample, and the batch in which Monte Carlo has a duplicate in half of the cases
ENERGY_RULE_SHOWERS, ENERGY_RULE_BATCH = 2_000, 100
SSIM_RULE_SHOWERS, SSIM_RULE_BATCH = 300, 30
# Fewer voxels than this: all showers of the rule; else half of them, because pairs cost time
MANY_VOXELS = 5_000
# Fewest duplicate pairs of Monte Carlo in the rule: an error of 20 %
LEAST_DUPLICATES = 25
NO_PICTURES = "no layer of the detector is a picture of 5 x 5 cells or more"


def _similarities(comparison: Comparison, rng: np.random.Generator) -> dict[str, tuple[float, float]]:
    """Mean similarity and its error of pairs MC-MC, MC-GAN, GAN-GAN."""
    reference, generated = comparison.reference, comparison.generated
    sides = {"mc_mc": (reference, reference), "mc_gan": (reference, generated), "gan_gan": (generated, generated)}
    found = {}
    for name, (first, second) in sides.items():
        rows = partner_rows(first, second, SIMILARITY_PAIRS, rng)
        showers = (sample.showers.showers_mev for sample in (first, second))
        pictures = (_rows(array, chosen) for array, chosen in zip(showers, rows, strict=True))
        values = shower_similarity(*pictures, reference.showers.detector)
        found[name] = mean_with_error(values) if len(values) > 1 else (math.nan, math.nan)
    return found


def _rows(showers_mev: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Rows in any order and more than once, also of showers that stay in a file."""
    distinct, place = np.unique(rows, return_inverse=True)
    return showers_mev[distinct][place]


def _ssim(kind: str, minus: str | None = None) -> MetricFunction:
    def measured(comparison: Comparison, _: np.random.Generator) -> dict[str, Measured]:
        if not picture_groups(comparison.reference.showers.detector):
            return {"": Measured.missing(NO_PICTURES)}
        found = comparison.shared("ssim", lambda: _similarities(comparison, _fixed_stream(comparison)))
        value, error = found[kind]
        if minus is not None:
            value, error = value - found[minus][0], math.hypot(error, found[minus][1])
        reason = "" if math.isfinite(value) else "no two showers of one incident energy"
        return {"": Measured(value, error, reason=reason)}

    return measured


def _fixed_stream(comparison: Comparison) -> np.random.Generator:
    """One stream for metrics that share a result, so that none depends on which of them was requested."""
    from calosim_tf.physics.observables.bootstrap import bootstrap_rng

    return bootstrap_rng(len(comparison.generated), len(comparison.reference))


def energy_distances(sample: Sample) -> PairDistances:
    """Euclidean distance of the layer energies over the incident energy, of pairs of one incident energy.

    With continuous energies the logarithm of the incident energy is one more coordinate.
    """
    from scipy.spatial.distance import pdist

    coordinates = np.column_stack([layer_energies(sample) / sample.incident_mev[:, None], np.log(sample.incident_mev)])
    return _by_energy(sample, lambda places: pdist(coordinates[places]))


def ssim_distances(sample: Sample) -> PairDistances:
    """1 - structural similarity of pairs of one incident energy (or range of energies)."""
    detector = sample.showers.detector
    showers = sample.voxels_mev()

    def distances(places: np.ndarray) -> np.ndarray:
        pairs = np.column_stack(np.triu_indices(len(places), 1))
        return 1.0 - similarity_of_pairs(showers[places], pairs, detector)

    return _by_energy(sample, distances)


def _by_energy(sample: Sample, distances: Callable[[np.ndarray], np.ndarray]) -> PairDistances:
    """``distances(places)`` in the order of the upper triangle, for the showers of each energy."""
    pairs, values = [np.empty((0, 2), dtype=int)], [np.empty(0)]
    for places in sample.group_places:
        if len(places) > 1:
            pairs.append(places[np.column_stack(np.triu_indices(len(places), 1))])
            values.append(distances(places))
    return PairDistances(np.concatenate(pairs), np.concatenate(values), len(sample))


def _supports(
    comparison: Comparison, most: int, batch: int, distances: Callable[[Sample], PairDistances]
) -> tuple[Support, Support, float]:
    """Support of both samples by a rule calibrated on the reference, and the limit of the rule."""
    count = min(most, len(comparison.reference), len(comparison.generated))
    real, made = (distances(s.at_most(count)) for s in (comparison.reference, comparison.generated))
    limit = calibrated_limit(real, support_size(batch))
    rng = _fixed_stream(comparison)
    return *(support(found.duplicates(limit), found.n, rng) for found in (real, made)), limit


def _birthday(most: int, batch: int, distances: Callable[[Sample], PairDistances], pictures: bool) -> MetricFunction:
    def measured(comparison: Comparison, _: np.random.Generator) -> dict[str, Measured]:
        detector = comparison.reference.showers.detector
        if pictures and not picture_groups(detector):
            return {"": Measured.missing(NO_PICTURES)}
        showers = most // 2 if pictures and detector.n_voxels > MANY_VOXELS else most
        return _support_entries(*_supports(comparison, showers, batch, distances), comparison)

    return measured


def _support_entries(real: Support, made: Support, limit: float, comparison: Comparison) -> dict[str, Measured]:
    extra = {
        "duplicates": made.duplicates,
        "reference_duplicates": real.duplicates,
        "limit": limit if math.isfinite(limit) else None,
    }
    if not math.isfinite(real.size):
        return {"": Measured(math.nan, math.nan, extra=extra, reason="the rule finds no duplicates in the reference")}
    if made.duplicates == 0:
        reason = f"no duplicates: the support is above that of the reference ({real.size:.3g}) by an unknown factor"
        return {"": Measured(math.nan, math.nan, extra=extra, reason=reason)}
    ratio = made.size / real.size
    error = ratio * math.hypot(made.error / made.size, real.error / real.size)
    sizes = {"support": made.size, "half_batch": made.half_batch}
    return {"": Measured(ratio, error, extra=extra | sizes | {"reference_support": real.size})}


def _least(most: int, batch: int) -> int:
    """Showers that have enough pairs for ``LEAST_DUPLICATES`` duplicates of Monte Carlo, not above ``most``."""
    return min(most, math.ceil(math.sqrt(2 * LEAST_DUPLICATES * support_size(batch))))


_SSIM_WORDS = (
    "Mean structural similarity of random pairs of one incident energy, {}, over the layers that are pictures (window"
    " of 11, 9 or 5 cells, what fits; dynamic range: 1e-4 GeV for 3DGAN, else the voxel threshold), about"
    f" {SIMILARITY_PAIRS} pairs. No voxel threshold. Error: of the mean."
)
_RULE_WORDS = (
    "Birthday-paradox support size, generated over reference. Duplicates: pairs of one incident energy {} below a limit"
    " at which batches of {} reference showers hold a duplicate in half of the cases; depends on that rule. At most {}"
    " showers. Error: showers left out in 20 groups."
)


def _similarity_metric(name: str, pairs: str, kind: str, minus: str | None = None) -> Metric:
    return Metric(
        name,
        "1",
        _ssim(kind, minus),
        _SSIM_WORDS.format(pairs),
        ideal=None if minus is None else 0.0,
        scopes=(OVERALL,),
        least=20,
    )


DIVERSITY_METRICS = (
    _similarity_metric("ssim_mc_mc", "reference with reference", "mc_mc"),
    _similarity_metric("ssim_mc_gan", "reference with generated", "mc_gan"),
    _similarity_metric("ssim_gan_gan", "generated with generated", "gan_gan"),
    _similarity_metric(
        "ssim_gan_gan_excess", "generated with generated minus reference with reference", "gan_gan", "mc_mc"
    ),
    _similarity_metric(
        "ssim_mc_gan_excess", "reference with generated minus reference with reference", "mc_gan", "mc_mc"
    ),
    Metric(
        "birthday_support_energy",
        "1",
        _birthday(ENERGY_RULE_SHOWERS, ENERGY_RULE_BATCH, energy_distances, pictures=False),
        _RULE_WORDS.format(
            "whose layer energies over incident energy differ by a Euclidean distance",
            ENERGY_RULE_BATCH,
            ENERGY_RULE_SHOWERS,
        ),
        ideal=1.0,
        scopes=(OVERALL,),
        least=_least(ENERGY_RULE_SHOWERS, ENERGY_RULE_BATCH),
        most=ENERGY_RULE_SHOWERS,
    ),
    Metric(
        "birthday_support_ssim",
        "1",
        _birthday(SSIM_RULE_SHOWERS, SSIM_RULE_BATCH, ssim_distances, pictures=True),
        _RULE_WORDS.format("with 1 - structural similarity", SSIM_RULE_BATCH, SSIM_RULE_SHOWERS),
        ideal=1.0,
        scopes=(OVERALL,),
        least=_least(SSIM_RULE_SHOWERS, SSIM_RULE_BATCH),
        most=SSIM_RULE_SHOWERS,
    ),
)
