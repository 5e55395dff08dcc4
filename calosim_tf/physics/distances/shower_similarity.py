"""Structural similarity of showers of any detector whose layers are images."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from calosim_tf.geometry import VoxelDetector
from calosim_tf.physics.distances.ssim import (
    PUBLISHED_RANGE_GEV,
    SIGMA_CELLS,
    random_partners,
    ssim,
    ssim_of_pairs,
    window_radius,
)
from calosim_tf.physics.observables.sample import Sample

# Widths of the Gaussian window, widest first: the first whose window fits into a layer image is taken. The smaller ones
# are our choice; layers that hold none of them (a single angular bin, three rows) do not count as images.
WINDOW_SIGMAS = (SIGMA_CELLS, 1.0, 0.5)


def picture_groups(detector: VoxelDetector) -> dict[tuple[tuple[int, int], float], list[int]]:
    """Layers that are images: (shape, width of the window in cells) -> their ids."""
    groups: dict[tuple[tuple[int, int], float], list[int]] = {}
    for layer in detector.layers:
        fitting = (sigma for sigma in WINDOW_SIGMAS if 2 * window_radius(sigma) + 1 <= min(layer.shape))
        sigma = next(fitting, None)
        if sigma is not None:
            groups.setdefault((layer.shape, sigma), []).append(layer.layer_id)
    return groups


def dynamic_range_mev(detector: VoxelDetector) -> float:
    """Dynamic range L of the index: 1e-4 GeV for cubes (3DGAN papers), else the voxel threshold (our choice)."""
    return 1e3 * PUBLISHED_RANGE_GEV if "cubes" in detector.provides else detector.threshold_mev


def shower_similarity(first_mev: np.ndarray, second_mev: np.ndarray, detector: VoxelDetector) -> np.ndarray:
    """Structural similarity of pairs of showers, mean over the layers that are images.

    Layers of one shape are the channels of one image, so showers of 3DGAN are compared as its paper does.  A layer of
    rings is unrolled, angle times radius.

    Parameters
    ----------
    first_mev, second_mev : ndarray, shape (n, n_voxels)
    detector : VoxelDetector
        With at least one layer that is an image.

    Returns
    -------
    ndarray, shape (n,)
    """
    data_range = dynamic_range_mev(detector)

    def similarity(layer_ids: list[int], sigma: float) -> np.ndarray:
        pictures = (_pictures(showers, layer_ids, detector) for showers in (first_mev, second_mev))
        return ssim(*pictures, data_range, sigma)

    return _mean_over_layers(similarity, detector)


def similarity_of_pairs(showers_mev: np.ndarray, pairs: np.ndarray, detector: VoxelDetector) -> np.ndarray:
    """As :func:`shower_similarity` for pairs (p, 2) of rows of one sample (n, n_voxels): shape (p,)."""
    data_range = dynamic_range_mev(detector)

    def similarity(layer_ids: list[int], sigma: float) -> np.ndarray:
        return ssim_of_pairs(_pictures(showers_mev, layer_ids, detector), pairs, data_range, sigma)

    return _mean_over_layers(similarity, detector)


def _pictures(showers_mev: np.ndarray, layer_ids: list[int], detector: VoxelDetector) -> np.ndarray:
    """Layers of one shape as channels, shape (n, rows, columns, layers)."""
    return np.stack([detector.layer_image(showers_mev, layer_id) for layer_id in layer_ids], axis=-1)


def _mean_over_layers(similarity: Callable[[list[int], float], np.ndarray], detector: VoxelDetector) -> np.ndarray:
    groups = picture_groups(detector)
    total = sum(len(layer_ids) * similarity(layer_ids, sigma) for (_, sigma), layer_ids in groups.items())
    return total / sum(map(len, groups.values()))


def partner_rows(first: Sample, second: Sample, most: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Rows of random pairs of showers of one incident energy, each shower at most once on each side.

    Parameters
    ----------
    first, second : Sample
        The same one for pairs within a sample, of which none is a shower with itself.
    most : int
        Pairs over all energies, about.
    rng : numpy.random.Generator

    Returns
    -------
    ndarray of int, shape (p,), twice
        Indices into the showers of the two sets.
    """
    share = min(1.0, most / min(len(first), len(second)))
    rows = []
    for places, others in zip(first.group_places, second.group_places, strict=True):
        count = int(np.ceil(share * min(len(places), len(others))))
        if count < 2:
            continue
        chosen = (rng.permutation(places)[:count], rng.permutation(others)[:count])
        if first is second:
            chosen = (chosen[0], chosen[0][random_partners(count, rng)])
        rows.append((first.rows[chosen[0]], second.rows[chosen[1]]))
    if not rows:
        return np.empty(0, dtype=int), np.empty(0, dtype=int)
    return tuple(np.concatenate(side) for side in zip(*rows, strict=True))
