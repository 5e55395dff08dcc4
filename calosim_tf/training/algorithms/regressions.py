"""Regressions that a factorised generator in the frame of its particle starts from (no TensorFlow)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from calosim_tf.geometry import VoxelDetector

# Showers that regressions look at (our choice: some seconds)
MOST_SHOWERS, MOST_LOGISTIC = 20_000, 6_000
# Our choices: prior precision of the slopes of both regressions, and of their constants; Newton steps, and how far one
# may go; least and largest share of hits; and of widths the least, and showers that a range of energies counts as
RIDGE, RIDGE_CONSTANT = 20.0, 0.01
LOGISTIC_RIDGE, LOGISTIC_CONSTANT = 4.0, 0.5
NEWTON_STEPS, LONGEST_STEP = 6, 2.0
LEAST_SHARE, LARGEST_SHARE = 2e-3, 0.999
LEAST_VARIANCE, PRIOR_SHOWERS = 2e-3, 20.0
WIDTH_RANGES = 8
# A logit over this is about the normal quantile
LOGIT_TO_NORMAL = 1.75


@dataclass(frozen=True)
class ShapeStart:
    """Kernels (terms, voxels) and constants (voxels,) of linear functions of the terms of a particle.

    Attributes
    ----------
    logits, logit_constant : ndarray
        ln of the share of a voxel where it is hit.
    widths, width_constant : ndarray
        Of its noise, before softplus.
    gates, gate_constant : ndarray
        Normal quantile of the share of showers in which it is not hit.
    """

    logits: np.ndarray
    logit_constant: np.ndarray
    widths: np.ndarray
    width_constant: np.ndarray
    gates: np.ndarray
    gate_constant: np.ndarray


def fit_centres(
    detector: VoxelDetector, showers: np.ndarray, slopes: np.ndarray, point: np.ndarray, log_energy: np.ndarray
) -> np.ndarray:
    """Coefficients of the centre of energy, a x + s (b + c ln E), of both axes together.

    Where cells are longer than wide, the finer axis alone tells: a centre hardly moves inside of one cell.

    Parameters
    ----------
    detector : VoxelDetector
    showers : ndarray, shape (n, voxels), MeV
    slopes, point : ndarray, shape (n, 2)
        Along rows and columns; the point in mm.
    log_energy : ndarray, shape (n,)

    Returns
    -------
    ndarray, shape (layers, 3)
    """
    found = []
    terms = np.stack([point, slopes, slopes * log_energy[:, None]], axis=2)  # (n, 2, 3)
    for layer, own in zip(detector.layers, detector.layer_slices.values(), strict=True):
        cells = showers[:, own].astype(np.float64)
        total = cells.sum(axis=1)
        hit = total > 0.0
        sizes = np.array([layer.row_mm, layer.column_mm])
        fine = np.flatnonzero(sizes == sizes.min())
        middles = np.stack([layer.coordinates_mm[(layer.row_axis, layer.column_axis)[axis]] for axis in fine], axis=1)
        centres = cells[hit] @ middles / total[hit, None]
        # outliers of weak showers count less: by energy
        weight = np.sqrt(total[hit])[:, None]
        rows, wanted = (terms[hit][:, fine] * weight[:, :, None]).reshape(-1, 3), (centres * weight).ravel()
        found.append(np.linalg.lstsq(rows, wanted, rcond=None)[0])
    return np.array(found)


def fit_shape(
    showers: np.ndarray, terms: np.ndarray, layer_sizes: tuple[int, ...], hit_mev: float, seed: int
) -> ShapeStart:
    """Regressions of each voxel on the terms of the particle.

    Parameters
    ----------
    showers : ndarray, shape (n, voxels), MeV
        In the frame.
    terms : ndarray, shape (n, terms)
        The first of them is the position of the energy in its range, from -1 to 1.
    layer_sizes : tuple of int
    hit_mev : float
        A voxel from this energy on is hit.
    seed : int
        Chooses showers.
    """
    energies = np.add.reduceat(showers, np.cumsum((0, *layer_sizes[:-1])), axis=1)
    shares = np.repeat(energies, layer_sizes, axis=1)
    hits = (showers > hit_mev).astype(np.float32)
    logs = np.log(np.maximum(showers, hit_mev) / np.maximum(shares, hit_mev), dtype=np.float32)
    columns = np.concatenate([np.ones((len(terms), 1)), terms], axis=1).astype(np.float32)
    values, residuals = _linear(columns, hits, logs)
    chosen = np.random.Generator(np.random.Philox(key=seed)).permutation(len(columns))[:MOST_LOGISTIC]
    hit = _logistic(columns[chosen], hits[chosen])
    width, slope = _widths(residuals, hits, terms[:, 0])
    widths = np.zeros((terms.shape[1], showers.shape[1]))
    widths[0] = slope
    gates = -hit / LOGIT_TO_NORMAL
    return ShapeStart(values[:, 1:].T, values[:, 0], widths, width, gates[:, 1:].T, gates[:, 0])


def _products(columns: np.ndarray) -> np.ndarray:
    return (columns[:, :, None] * columns[:, None]).reshape(len(columns), -1)


def _linear(columns: np.ndarray, hits: np.ndarray, logs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Coefficients over the hits of each voxel, (voxels, columns), and what is left of each, 0 where not hit."""
    n = columns.shape[1]
    gram = (hits.T @ _products(columns)).astype(np.float64).reshape(-1, n, n)
    prior = np.diag([RIDGE_CONSTANT, *[RIDGE] * (n - 1)])
    mean = ((hits * logs).sum(axis=0) / (hits.sum(axis=0) + 1e-9)).astype(np.float64)
    # a voxel that is never hit has the least share that any has
    mean[hits.sum(axis=0) == 0.0] = logs.min()
    right = (hits * (logs - mean.astype(np.float32))).T @ columns
    found = np.linalg.solve(gram + prior, right[:, :, None].astype(np.float64))[:, :, 0]
    left = (logs - mean.astype(np.float32) - columns @ found.T.astype(np.float32)) * hits
    found[:, 0] += mean
    return found, left


def _logistic(columns: np.ndarray, hits: np.ndarray) -> np.ndarray:
    """Coefficients of the logit of a hit of each voxel, (voxels, columns), by Newton's method."""
    n = columns.shape[1]
    share = np.clip(hits.mean(axis=0, dtype=np.float64), LEAST_SHARE, LARGEST_SHARE)
    middle = np.zeros((hits.shape[1], n))
    middle[:, 0] = np.log(share / (1.0 - share))
    found, products = middle.copy(), _products(columns)
    precision = np.array([LOGISTIC_CONSTANT, *[LOGISTIC_RIDGE] * (n - 1)])
    for _ in range(NEWTON_STEPS):
        expected = 1.0 / (1.0 + np.exp(-np.clip(columns @ found.T.astype(np.float32), -20.0, 20.0)))
        slope = (hits - expected).T @ columns - precision * (found - middle)
        curvature = ((expected * (1.0 - expected)).T @ products).astype(np.float64).reshape(-1, n, n)
        step = np.linalg.solve(curvature + np.diag(precision), slope[:, :, None].astype(np.float64))[:, :, 0]
        found += np.clip(step, -LONGEST_STEP, LONGEST_STEP)
    return found


def _widths(residuals: np.ndarray, hits: np.ndarray, position: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Constant and slope in the position of what softplus turns into the width of each voxel, (voxels,) each."""
    ranges = np.clip(((position + 1.0) / 2.0 * WIDTH_RANGES).astype(int), 0, WIDTH_RANGES - 1)
    members = (ranges[:, None] == np.arange(WIDTH_RANGES)).astype(np.float32)
    counts = (members.T @ hits).astype(np.float64)
    variance = (members.T @ residuals**2).astype(np.float64) / (counts + 1e-9) + LEAST_VARIANCE
    wanted = np.log(np.expm1(np.sqrt(variance)))
    weight = counts / (counts + PRIOR_SHOWERS) + 1e-3
    middles = ((np.arange(WIDTH_RANGES) + 0.5) / WIDTH_RANGES * 2.0 - 1.0)[:, None]
    sums = weight.sum(axis=0)
    centre, mean = (weight * middles).sum(axis=0) / sums, (weight * wanted).sum(axis=0) / sums
    slope = (weight * (middles - centre) * (wanted - mean)).sum(axis=0)
    slope /= (weight * (middles - centre) ** 2).sum(axis=0) + 0.2
    return mean - slope * centre, slope
