"""Separation powers with the CaloChallenge's bins, and the means of centres, widths and sparsity.

All with the detector's voxel threshold (1 MeV for data set 1) on both samples, as in the challenge; see
``histograms`` for bins.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import numpy as np

from calosim_tf.physics.distances.histograms import (
    LAYER_ENERGY_BINS,
    VOXEL_ENERGY_BINS,
    feature_edges,
    log_edges,
    response_edges,
    separation_of_groups,
    separation_with_error,
)
from calosim_tf.physics.metrics.comparison import Comparison
from calosim_tf.physics.metrics.metric import OVERALL, Measured, Metric
from calosim_tf.physics.metrics.statistics import (
    BOOTSTRAP_ERROR,
    MEAN_ERROR,
    THRESHOLD,
    MetricFunction,
    layer_mean_difference,
    layer_mean_ratio,
)
from calosim_tf.physics.observables.sample import Sample


def thresholded_response(sample: Sample) -> np.ndarray:
    """E_tot/E_inc after the voxel threshold, shape (n,)."""
    layers = sample.layers_with("energy_thresholded")
    return sum(sample.layer("energy_thresholded", layer_id) for layer_id in layers) / sample.incident_mev


def voxel_spectrum_edges(comparison: Comparison) -> np.ndarray:
    """49 log bins from the voxel threshold (1 MeV for data set 1) to the hottest voxel of the reference, MeV."""
    reference = comparison.reference
    hottest = float(reference.features.max_voxel_mev[reference.rows].max())
    return log_edges(VOXEL_ENERGY_BINS, hottest, reference.showers.detector.threshold_mev)


def layer_edges(comparison: Comparison, quantity: str, layer_id: int) -> np.ndarray:
    """Official bins of a quantity per layer."""
    reference = comparison.reference.layer(quantity, layer_id)
    if quantity == "energy_thresholded":
        lowest = comparison.reference.showers.detector.threshold_mev
        return log_edges(LAYER_ENERGY_BINS, float(reference.max()), lowest)
    return feature_edges(quantity, layer_id, comparison.reference.showers.detector, reference)


def _separation_response(comparison: Comparison, rng: np.random.Generator) -> dict[str, Measured]:
    generated, reference = (thresholded_response(sample) for sample in (comparison.generated, comparison.reference))
    edges = response_edges(comparison.reference.showers.detector, comparison.energy_mev, reference)
    return {"": Measured(*separation_with_error(generated, reference, edges, rng))}


def _fill_spectra(comparisons: Sequence[Comparison]) -> None:
    """Voxel spectra of all of them, in one pass over each set of showers."""
    edges = [voxel_spectrum_edges(comparison) for comparison in comparisons]
    pairs = list(zip(comparisons, edges, strict=True))
    Sample.fill_spectra([(sample, found) for one, found in pairs for sample in (one.generated, one.reference)])


def _separation_voxels(comparison: Comparison, rng: np.random.Generator) -> dict[str, Measured]:
    edges = voxel_spectrum_edges(comparison)
    spectra = (sample.spectrum(edges) for sample in (comparison.generated, comparison.reference))
    return {"": Measured(*separation_of_groups(*spectra, rng))}


def _mean_over_layers(layers: Iterable[Measured]) -> Measured:
    layers = list(layers)
    error = math.sqrt(sum(layer.error**2 for layer in layers)) / len(layers)
    return Measured(sum(layer.value for layer in layers) / len(layers), error)


def _separation_per_layer(quantity: str) -> MetricFunction:
    def measured(comparison: Comparison, rng: np.random.Generator) -> dict[str, Measured]:
        layers = {
            f"layer_{layer_id}": Measured(
                *separation_with_error(
                    comparison.generated.layer(quantity, layer_id),
                    comparison.reference.layer(quantity, layer_id),
                    layer_edges(comparison, quantity, layer_id),
                    rng,
                )
            )
            for layer_id in comparison.reference.layers_with(quantity)
        }
        return {"": _mean_over_layers(layers.values()), **layers}

    def separation(comparison: Comparison, rng: np.random.Generator) -> dict[str, Measured]:
        # the mean of all separation powers needs it too
        return comparison.shared(("separation", quantity), lambda: measured(comparison, rng))

    return separation


def _separation_mean(comparison: Comparison, rng: np.random.Generator) -> dict[str, Measured]:
    found = [_separation_response(comparison, rng)[""], _separation_voxels(comparison, rng)[""]]
    for quantity in _SEPARATED:
        if quantity in comparison.provides:
            found.append(_separation_per_layer(quantity)(comparison, rng)[""])
    return {"": _mean_over_layers(found)}


def _separation_metric(name: str, quantity: str, words: str) -> Metric:
    return Metric(
        name,
        "1",
        _separation_per_layer(quantity),
        f"Separation power of the {words}, mean over layers and per layer. {THRESHOLD} {BOOTSTRAP_ERROR}",
        ideal=0.0,
        needs=frozenset({quantity}),
        detector_specific=quantity.startswith(("centre_", "width_")),
    )


# Rings have the first three, rectangular cells the others
_AXES = ("eta", "phi", "r", "x", "y")
_SEPARATED = ("energy_thresholded", *(f"{kind}_{x}" for kind in ("centre", "width") for x in _AXES), "sparsity")

SHAPE_METRICS = (
    Metric(
        "separation_e_tot_over_e_inc",
        "1",
        _separation_response,
        f"Separation power of E_tot/E_inc. {THRESHOLD} {BOOTSTRAP_ERROR}",
        ideal=0.0,
        needs=frozenset({"energy_thresholded"}),
    ),
    _separation_metric("separation_layer_energy", "energy_thresholded", "layer energies"),
    Metric(
        "separation_voxel_energy",
        "1",
        _separation_voxels,
        "Separation power of the spectrum of voxel energies from the voxel threshold. Error: bootstrap over 64 groups"
        " of showers.",
        ideal=0.0,
        prepare=_fill_spectra,
    ),
    *(_separation_metric(f"separation_centre_{x}", f"centre_{x}", f"energy centres in {x}") for x in _AXES),
    *(_separation_metric(f"separation_width_{x}", f"width_{x}", f"widths in {x}") for x in _AXES),
    _separation_metric("separation_sparsity", "sparsity", "sparsity (share of voxels without energy)"),
    Metric(
        "separation_mean",
        "1",
        _separation_mean,
        "Mean of the separation powers above: E_tot/E_inc, layer energies, voxel energies, centres, widths, sparsity."
        " Error: of these together, as if they were independent.",
        ideal=0.0,
        scopes=(OVERALL,),
        needs=frozenset({"energy_thresholded"}),
    ),
    *(
        Metric(
            f"centre_{x}_mean_difference",
            "mm",
            layer_mean_difference(f"centre_{x}"),
            f"Mean energy centre in {x} of a layer, generated minus reference. {THRESHOLD} {MEAN_ERROR}",
            ideal=0.0,
            needs=frozenset({f"centre_{x}"}),
            detector_specific=True,
        )
        for x in _AXES
    ),
    *(
        Metric(
            f"width_{x}_mean_ratio",
            "1",
            layer_mean_ratio(f"width_{x}"),
            f"Mean width in {x} of a layer, generated over reference. {THRESHOLD} {MEAN_ERROR}",
            ideal=1.0,
            needs=frozenset({f"width_{x}"}),
            detector_specific=True,
        )
        for x in _AXES
    ),
    Metric(
        "sparsity_mean_difference",
        "1",
        layer_mean_difference("sparsity"),
        f"Mean sparsity of a layer, generated minus reference. {THRESHOLD} {MEAN_ERROR}",
        ideal=0.0,
        needs=frozenset({"sparsity"}),
    ),
)
