"""The high-level features of a shower as one vector: 30 numbers for photons of data set 1, 46 for its pions.

Order and scale are those of the CaloChallenge's evaluation: log10 of the incident energy, log10 of each layer energy,
centres and widths along eta and phi in 100 mm.  Then log10 of the total energy, sparsity, centres and widths along r in
100 mm.  Rectangular cells have x and y in the place of eta, phi and r.  All after the voxel threshold.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from calosim_tf.physics.observables.sample import Sample

# Keeps the logarithm of an empty layer finite (CaloChallenge definition)
EMPTY_ENERGY_MEV = 1e-8
LENGTH_UNIT_MM = 100.0
# Groups of columns; r comes last in the challenge's own order
_BEFORE_TOTAL = tuple(f"{kind}_{axis}" for kind in ("centre", "width") for axis in ("eta", "phi", "x", "y"))
_BEHIND_SPARSITY = ("centre_r", "width_r")
INCIDENT, TOTAL = "log_incident_energy", "log_total_energy"


def high_level_features(sample: Sample) -> tuple[np.ndarray, tuple[str, ...]]:
    """Features of every shower and their names.

    Parameters
    ----------
    sample : Sample

    Returns
    -------
    features : ndarray, shape (n, d)
        d is 30 for ``photon`` and 46 for ``pion``.
    names : tuple of str
    """
    columns = dict(_columns(sample))
    return np.stack(list(columns.values()), axis=1), tuple(columns)


def _columns(sample: Sample) -> Iterator[tuple[str, np.ndarray]]:
    layers = sample.layers_with("energy_thresholded")
    yield INCIDENT, np.log10(sample.incident_mev)
    for layer_id in layers:
        yield f"log_energy_layer_{layer_id}", _log_energy(sample.layer("energy_thresholded", layer_id))
    yield from _lengths(sample, _BEFORE_TOTAL)
    yield TOTAL, _log_energy(sum(sample.layer("energy_thresholded", layer_id) for layer_id in layers))
    for layer_id in layers:
        yield f"sparsity_layer_{layer_id}", sample.layer("sparsity", layer_id)
    yield from _lengths(sample, _BEHIND_SPARSITY)


def _lengths(sample: Sample, quantities: tuple[str, ...]) -> Iterator[tuple[str, np.ndarray]]:
    for quantity in quantities:
        for layer_id in sample.layers_with(quantity):
            yield f"{quantity}_layer_{layer_id}", sample.layer(quantity, layer_id) / LENGTH_UNIT_MM


def _log_energy(energy_mev: np.ndarray) -> np.ndarray:
    # generated voxels may be negative where the threshold is 0: their layer then counts as empty
    return np.log10(np.maximum(energy_mev, 0.0) + EMPTY_ENERGY_MEV)


def scaled_by_reference(reference: np.ndarray, other: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Both matrices over the largest absolute value of each reference column (columns of zeros are left as they are).

    Parameters
    ----------
    reference, other : ndarray, shape (n, d), (m, d)
    """
    largest = np.abs(reference).max(axis=0)
    largest[largest == 0] = 1.0
    return reference / largest, other / largest
