"""Metrics of the total and layer energies: selection chi2, response, resolution, layer means, clipped energy."""

from __future__ import annotations

import math

import numpy as np

from calosim_tf.physics.metrics.comparison import Comparison
from calosim_tf.physics.metrics.metric import PER_ENERGY, Measured, Metric
from calosim_tf.physics.metrics.statistics import (
    BOOTSTRAP_ERROR,
    MEAN_ERROR,
    NO_THRESHOLD,
    MetricFunction,
    layer_mean_ratio,
    mean_with_error,
    ratio_with_error,
)
from calosim_tf.physics.observables.sample import Sample


def _chi2(comparison: Comparison, _: np.random.Generator) -> dict[str, Measured]:
    table = comparison.chi2
    chi2, ndf = table.chi2, table.ndf
    # Spread of a non-central chi2 whose non-centrality is estimated as chi2 - NDF.
    error = math.sqrt(2 * (ndf + 2 * max(chi2 - ndf, 0.0))) / ndf if ndf else math.nan
    reason = "" if ndf else "all showers have the same total energy, or are too few: no bins to compare"
    return {"": Measured(table.value, error, extra={"chi2": chi2, "ndf": ndf}, reason=reason)}


def _response_mean(comparison: Comparison, _: np.random.Generator) -> dict[str, Measured]:
    value, error = mean_with_error(comparison.generated.response)
    return {"": Measured(value, error, float(comparison.reference.response.mean()))}


def _response_mean_ratio(comparison: Comparison, _: np.random.Generator) -> dict[str, Measured]:
    generated, reference = (mean_with_error(s.response) for s in (comparison.generated, comparison.reference))
    return {"": ratio_with_error(*generated, *reference)}


def _width(kind: str) -> MetricFunction:
    def width(comparison: Comparison, _: np.random.Generator) -> dict[str, Measured]:
        generated, reference = comparison.generated.spread, comparison.reference.spread
        value, error = getattr(generated, kind), getattr(generated, f"{kind}_error")
        return {"": Measured(value, error, getattr(reference, kind))}

    return width


def _width_ratio(kind: str) -> MetricFunction:
    def width_ratio(comparison: Comparison, _: np.random.Generator) -> dict[str, Measured]:
        spreads = (comparison.generated.spread, comparison.reference.spread)
        numbers = [getattr(spread, name) for spread in spreads for name in (kind, f"{kind}_error")]
        return {"": ratio_with_error(*numbers)}

    return width_ratio


def _negative_voxels(sample: Sample) -> np.ndarray:
    return sample.features.negative_voxels[sample.rows] / sample.showers.detector.n_voxels


def _negative_voxel_fraction(comparison: Comparison, _: np.random.Generator) -> dict[str, Measured]:
    value, error = mean_with_error(_negative_voxels(comparison.generated))
    return {"": Measured(value, error, float(_negative_voxels(comparison.reference).mean()))}


def _without_energy(sample: Sample) -> np.ndarray:
    return sample.total_mev <= 0


def _empty_shower_fraction(comparison: Comparison, _: np.random.Generator) -> dict[str, Measured]:
    value, error = mean_with_error(_without_energy(comparison.generated))
    return {"": Measured(value, error, float(_without_energy(comparison.reference).mean()))}


def _energy_added_by_clipping(comparison: Comparison, _: np.random.Generator) -> dict[str, Measured]:
    generated = comparison.generated
    added = -generated.features.negative_mev[generated.rows]
    total = generated.total_mev.sum()
    if total <= 0:
        return {"": Measured.missing("the generated showers hold no energy")}
    error = math.sqrt(len(added)) * added.std() / total
    return {"": Measured(float(added.sum() / total), float(error))}


RESPONSE_METRICS = (
    Metric(
        "chi2_ndf_total_energy",
        "1",
        _chi2,
        f"chi2/NDF of the total energy per incident energy, 29 bins, summed over energies (the checkpoint selection)."
        f" {NO_THRESHOLD} Grows with N unless the samples follow one law. Error: spread of a non-central chi2.",
        ideal=1.0,
    ),
    Metric(
        "response_mean",
        "1",
        _response_mean,
        f"Mean of E_tot/E_inc of the generated showers. {NO_THRESHOLD} {MEAN_ERROR}",
    ),
    Metric(
        "response_mean_ratio",
        "1",
        _response_mean_ratio,
        f"Mean E_tot/E_inc, generated over reference. {NO_THRESHOLD} {MEAN_ERROR}",
        ideal=1.0,
    ),
    Metric(
        "response_sigma",
        "1",
        _width("sigma"),
        f"Standard deviation of E_tot/E_inc of the generated showers. {NO_THRESHOLD} {BOOTSTRAP_ERROR}",
        scopes=(PER_ENERGY,),
    ),
    Metric(
        "response_sigma_ratio",
        "1",
        _width_ratio("sigma"),
        f"Standard deviation of E_tot/E_inc, generated over reference. {NO_THRESHOLD} {BOOTSTRAP_ERROR}",
        ideal=1.0,
        scopes=(PER_ENERGY,),
    ),
    Metric(
        "response_sigma68",
        "1",
        _width("sigma68"),
        f"Half of the 16 % to 84 % interval of E_tot/E_inc of the generated showers. {NO_THRESHOLD} {BOOTSTRAP_ERROR}",
        scopes=(PER_ENERGY,),
    ),
    Metric(
        "response_sigma68_ratio",
        "1",
        _width_ratio("sigma68"),
        f"Half of the 16 % to 84 % interval of E_tot/E_inc, generated over reference. {NO_THRESHOLD} {BOOTSTRAP_ERROR}",
        ideal=1.0,
        scopes=(PER_ENERGY,),
    ),
    Metric(
        "layer_energy_mean_ratio",
        "1",
        layer_mean_ratio("energy"),
        f"Mean energy of a layer, generated over reference. {NO_THRESHOLD} {MEAN_ERROR}",
        ideal=1.0,
        needs=frozenset({"energy"}),
    ),
    Metric(
        "negative_voxel_fraction",
        "1",
        _negative_voxel_fraction,
        f"Share of the generated voxels below 0. {MEAN_ERROR}",
    ),
    Metric(
        "empty_shower_fraction",
        "1",
        _empty_shower_fraction,
        f"Share of the generated showers whose total energy is not above 0. {NO_THRESHOLD} {MEAN_ERROR}",
    ),
    Metric(
        "energy_added_by_clipping",
        "1",
        _energy_added_by_clipping,
        "Energy that setting negative voxels to 0 would add, over the summed energy. Error: spread over showers.",
    ),
)
