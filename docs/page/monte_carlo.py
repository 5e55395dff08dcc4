"""What the page shows beside its showers: Monte Carlo's means, from the bundled sample (no TensorFlow)."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np

from calosim_tf.data.bundled import bundled_sample
from calosim_tf.data.readers import read_showers
from calosim_tf.data.schema import ShowerSet
from calosim_tf.geometry import VoxelDetector
from calosim_tf.geometry.layers import CellLayer
from calosim_tf.physics.observables.energies import group_energies

# Rings around the centre of energy, in cells; the last one is open (our choice: 98 % of an LHCb shower is inside)
DISTANCE_BINS = 9
DIGITS = 6


def reference_of(detector: VoxelDetector) -> dict[str, Any]:
    """Content of ``reference.json``: means and standard deviations per incident energy, as shares of it.

    Parameters
    ----------
    detector : VoxelDetector
        One with a bundled sample.

    Returns
    -------
    dict
        ``sample`` is what the showers are, ``profile`` is ``layers`` or, where there is one, ``distance`` from the
        centre of energy with its ``edges_mm``.  Energies in MeV.
    """
    return summarised(read_showers(bundled_sample(detector.name), detector))


def summarised(showers: ShowerSet) -> dict[str, Any]:
    """As :func:`reference_of`, of these showers."""
    words, profile = _profile(showers)
    incident = showers.incident_energy_mev
    share = profile / incident[:, None]
    total = showers.showers_mev.sum(axis=1, dtype=np.float64) / incident
    groups = group_energies(incident)
    rows = [
        {
            "energy_mev": _rounded(np.exp(np.log(incident[chosen]).mean())),
            "showers": len(chosen),
            "total_mean": _rounded(total[chosen].mean()),
            "total_std": _rounded(total[chosen].std()),
            "profile_mean": _rounded(share[chosen].mean(axis=0)),
            "profile_std": _rounded(share[chosen].std(axis=0)),
        }
        for chosen in groups.rows(incident)
        if len(chosen)
    ]
    return {
        "sample": showers.source,
        "showers": len(showers),
        "average_over": ", over its ranges of energy, directions and positions" if not groups.discrete else "",
        "low_mev": float(incident.min()),
        "high_mev": float(incident.max()),
        **words,
        "energies": rows,
    }


def _profile(showers: ShowerSet) -> tuple[dict[str, Any], np.ndarray]:
    """Words for the bins of the profile, and the energy in them, shape (n, bins), MeV."""
    detector = showers.detector
    if len(detector.layers) > 1:
        words = {"profile": "layers", "title": "Longitudinal profile", "axis": "Layer"}
        sums = np.add.reduceat(showers.showers_mev, detector.offsets[:-1], axis=1, dtype=np.float64)
        return words | {"names": [str(number) for number in detector.layer_ids]}, sums
    (layer,) = detector.layers
    edges = layer.column_mm * np.arange(DISTANCE_BINS)
    names = [f"{low:g} to {high:g}" for low, high in pairwise(edges)]
    words = {
        "profile": "distance",
        "title": "Lateral profile",
        "axis": "Distance from the centre of energy (mm)",
        "edges_mm": edges.tolist(),
        "names": [*names, f"over {edges[-1]:g}"],
    }
    return words, distance_energies(showers.showers_mev, layer, edges)


def distance_energies(showers_mev: np.ndarray, layer: CellLayer, edges_mm: np.ndarray) -> np.ndarray:
    """Energy by distance of a cell from the centre of energy of its shower, MeV; nothing for an empty shower.

    Parameters
    ----------
    showers_mev : ndarray, shape (n, cells)
    layer : CellLayer
    edges_mm : ndarray, shape (bins,)
        Ascending from 0; the last bin is open.

    Returns
    -------
    ndarray, shape (n, bins)
    """
    places = np.stack(list(layer.coordinates_mm.values()), axis=1)
    found = np.zeros((len(showers_mev), len(edges_mm)))
    for row, shower in enumerate(showers_mev.astype(np.float64)):
        if (total := shower.sum()) > 0.0:
            distance = np.hypot(*(places - shower @ places / total).T)
            bins = np.searchsorted(edges_mm, distance, side="right") - 1
            found[row] = np.bincount(bins, shower, len(edges_mm))
    return found


def _rounded(value: Any) -> Any:
    """Plain numbers of six digits."""
    return [_rounded(item) for item in value] if np.ndim(value) else float(f"{value:.{DIGITS}g}")
