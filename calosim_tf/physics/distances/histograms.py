"""Bins of the CaloChallenge's evaluation and the separation power of two histograms.

    separation = 1/2 sum (h1 - h2)^2 / (h1 + h2 + 1e-16)

with both histograms normalised to 1 inside the binned range: 0 for equal histograms, 1 for histograms without a
common bin. Entries outside of the range are left out, as in the challenge's own script.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from calosim_tf.geometry import VoxelDetector
from calosim_tf.physics.observables.bootstrap import BOOTSTRAP_RESAMPLES

SEPARATION_EPSILON = 1e-16

RESPONSE_BINS = (100, 0.5, 1.5)
RESPONSE_BINS_PER_ENERGY = (20, 0.4, 1.4)
RESPONSE_BINS_NARROW = (20, 0.9, 1.1)

LAYER_ENERGY_BINS = 39
VOXEL_ENERGY_BINS = 49
LOWEST_LOG_EDGE_MEV = 1.0

SPARSITY_BINS = (20, 0.0, 1.0)
# Data set 1: quantity -> (bins, low, high) in mm, then the layers with their own range.
_HADRONIC = (12, 13)
_HADRONIC_R = (12, 13, 14)
DATA_SET_1_BINS: dict[str, tuple[tuple[int, float, float], tuple[int, ...], tuple[int, float, float]]] = {
    **{f"centre_{axis}": ((100, -100.0, 100.0), _HADRONIC, (100, -500.0, 500.0)) for axis in ("eta", "phi")},
    **{f"width_{axis}": ((100, 0.0, 100.0), _HADRONIC, (100, 0.0, 400.0)) for axis in ("eta", "phi")},
    **{f"{kind}_r": ((100, 0.0, 500.0), _HADRONIC_R, (100, 0.0, 1500.0)) for kind in ("centre", "width")},
}
# Our choice for detectors without an official binning.
OTHER_DETECTOR_BINS = 100


def linear_edges(n_bins: int, low: float, high: float) -> np.ndarray:
    """``n_bins + 1`` equally spaced edges."""
    return np.linspace(low, high, n_bins + 1)


def log_edges(n_bins: int, reference_max_mev: float, low_mev: float = LOWEST_LOG_EDGE_MEV) -> np.ndarray:
    """Edges of ``n_bins`` bins of equal width in log energy from ``low_mev`` to the reference's maximum, MeV.

    A reference that never exceeds ``low_mev`` gets one decade, which then stays empty.
    """
    high = reference_max_mev if reference_max_mev > low_mev else 10 * low_mev
    return np.geomspace(low_mev, high, n_bins + 1)


def response_edges(detector: VoxelDetector, energy_mev: float | None, reference: np.ndarray) -> np.ndarray:
    """Edges of E_tot/E_inc.

    Parameters
    ----------
    detector : VoxelDetector
        Detectors without official bins get 100 (20 at one energy) over the reference's central 99 %, and half as much
        again on both sides: a calorimeter that sees 2 % of the energy has nothing near 1.
    energy_mev : float or None
        Incident energy, None over all energies.
    reference : ndarray, shape (n,)
        The reference's values.
    """
    if not detector.challenge_set:
        low, high = np.percentile(reference, (0.5, 99.5))
        margin = 0.5 * (high - low) or 0.05
        n_bins = (RESPONSE_BINS if energy_mev is None else RESPONSE_BINS_PER_ENERGY)[0]
        return linear_edges(n_bins, low - margin, high + margin)
    if energy_mev is None:
        return linear_edges(*RESPONSE_BINS)
    narrow = energy_mev >= detector.narrow_response_from_mev
    return linear_edges(*(RESPONSE_BINS_NARROW if narrow else RESPONSE_BINS_PER_ENERGY))


def feature_edges(quantity: str, layer_id: int, detector: VoxelDetector, reference: np.ndarray) -> np.ndarray:
    """Edges of a centre or width in mm, or of a sparsity.

    Parameters
    ----------
    quantity : str
        ``centre_eta``, ``width_r``, ``sparsity``, ...
    layer_id : int
    detector : VoxelDetector
        Detectors other than those of data set 1 have no official bins: 100 bins between the reference's extremes.
    reference : ndarray, shape (n,)
        The reference's values.
    """
    if quantity == "sparsity":
        return linear_edges(*SPARSITY_BINS)
    if detector.challenge_set == 1 and quantity in DATA_SET_1_BINS:
        default, special_layers, special = DATA_SET_1_BINS[quantity]
        return linear_edges(*(special if layer_id in special_layers else default))
    low, high = float(reference.min()), float(reference.max())
    return linear_edges(OTHER_DETECTOR_BINS, low, high if high > low else low + 1.0)


def separation_power(counts: np.ndarray, reference_counts: np.ndarray) -> np.ndarray | float:
    """Separation power of histograms along the last axis; leading axes are broadcast.

    Parameters
    ----------
    counts, reference_counts : ndarray, shape (..., b)
        Raw counts.  Two empty histograms give 0; an empty one and a filled one have nothing in common and give 1.

    Returns
    -------
    float or ndarray, shape (...)
        Between 0 and 1.
    """
    h1, h2 = _normalised(counts), _normalised(reference_counts)
    separation = 0.5 * np.sum((h1 - h2) ** 2 / (h1 + h2 + SEPARATION_EPSILON), axis=-1)
    one_empty = h1.any(axis=-1) != h2.any(axis=-1)
    return np.where(one_empty, 1.0, separation)[()]


def _normalised(counts: np.ndarray) -> np.ndarray:
    counts = np.asarray(counts, dtype=np.float64)
    total = counts.sum(axis=-1, keepdims=True)
    return np.divide(counts, total, out=np.zeros_like(counts), where=total > 0)


def separation_with_error(
    values: np.ndarray, reference: np.ndarray, edges: np.ndarray, rng: np.random.Generator
) -> tuple[float, float]:
    """Separation power of two sets of numbers, one per shower, and its bootstrap error.

    Drawing showers with replacement amounts to drawing bin counts from a multinomial law.  This is done 200 times for
    both histograms; the error is the standard deviation of the 200 separation powers.

    Parameters
    ----------
    values, reference : ndarray, shape (n,), (m,)
    edges : ndarray, shape (b + 1,)
    rng : numpy.random.Generator

    Returns
    -------
    value, error : float
    """
    histograms = [np.histogram(sample, bins=edges)[0] for sample in (values, reference)]
    return distance_with_error(separation_power, *histograms, rng)


def distance_with_error(
    distance: Callable[[np.ndarray, np.ndarray], np.ndarray | float],
    counts: np.ndarray,
    reference_counts: np.ndarray,
    rng: np.random.Generator,
) -> tuple[float, float]:
    """A distance of two histograms and its bootstrap error, see :func:`separation_with_error`.

    Parameters
    ----------
    distance : callable
        ``distance(counts, reference_counts)`` along the last axis.
    counts, reference_counts : ndarray, shape (b,)
        With one entry per shower at most.
    rng : numpy.random.Generator

    Returns
    -------
    value, error : float
    """
    drawn = [redrawn_counts(histogram, rng) for histogram in (counts, reference_counts)]
    return float(distance(counts, reference_counts)), float(np.std(distance(*drawn)))


def redrawn_counts(counts: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Bin counts of 200 samples of showers drawn with replacement, shape (200, b)."""
    total = counts.sum()
    if total == 0:
        return np.zeros((BOOTSTRAP_RESAMPLES, len(counts)))
    return rng.multinomial(total, counts / total, size=BOOTSTRAP_RESAMPLES)


def times_drawn(n: int, rng: np.random.Generator) -> np.ndarray:
    """How often each of ``n`` showers is in each of 200 samples drawn with replacement, shape (200, n)."""
    return np.stack([np.bincount(rng.integers(n, size=n), minlength=n) for _ in range(BOOTSTRAP_RESAMPLES)])


def separation_of_groups(
    counts: np.ndarray, reference_counts: np.ndarray, rng: np.random.Generator
) -> tuple[float, float]:
    """Separation power of histograms with several correlated entries per shower, and its bootstrap error.

    Parameters
    ----------
    counts, reference_counts : ndarray, shape (g, b), (h, b)
        Histograms of groups of showers; whole groups are drawn with replacement, so the correlation inside a shower
        counts.
    rng : numpy.random.Generator

    Returns
    -------
    value, error : float
    """
    value = separation_power(counts.sum(axis=0), reference_counts.sum(axis=0))
    resampled = []
    for groups in (counts, reference_counts):
        n = len(groups)
        times_drawn = rng.multinomial(n, np.full(n, 1 / n), size=BOOTSTRAP_RESAMPLES)  # (resamples, groups)
        resampled.append(times_drawn @ groups)
    return float(value), float(np.std(separation_power(*resampled)))
