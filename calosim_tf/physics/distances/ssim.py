"""Structural similarity of shower images (Wang et al. 2004; its use on showers: EPJC 82, 386 and arXiv 2105.08960).

The xy plane is the image and z its channel.  A dynamic range L far above the cells makes all showers alike, so it is
scanned; the index is stable from L = 1e-4 downwards (arXiv 2105.08960, figure 7).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from calosim_tf.errors import DataError

# Gaussian window of the original paper: sigma 1.5, cut at 3.5 sigma
SIGMA_CELLS = 1.5
CUT_SIGMAS = 3.5
K1, K2 = 0.01, 0.03
# Figure 7: the value the paper chooses, and its scan
PUBLISHED_RANGE_GEV = 1e-4
SCANNED_RANGES_GEV = (1e-1, 1e-2, 1e-3, 1e-4, 1e-5, 1e-6)
# Cells of images at a time, 32 MB in double precision: five filtered images of each pair
CHUNK_CELLS = 4_000_000


def window_radius(sigma_cells: float) -> int:
    """Cells between the middle of the Gaussian window and its end."""
    return int(CUT_SIGMAS * sigma_cells + 0.5)


def ssim(first: np.ndarray, second: np.ndarray, data_range: float, sigma_cells: float = SIGMA_CELLS) -> np.ndarray:
    """Structural similarity of pairs of showers.

    Equals ``structural_similarity`` of scikit-image with ``gaussian_weights``, ``channel_axis`` and without sample
    covariance: means over all window positions inside of the image, then over channels.

    Parameters
    ----------
    first, second : ndarray, shape (n, x, y, z)
        Cell energies; at least as many along x and y as the window has (11 with its default width).
    data_range : float
        Dynamic range L, in the unit of the cells.
    sigma_cells : float
        Width of the Gaussian window.

    Returns
    -------
    ndarray, shape (n,), float64

    Raises
    ------
    DataError
        Shapes differ or the image is smaller than the window.
    """
    if first.shape != second.shape or first.ndim != 4:
        raise DataError(f"SSIM: found shapes {first.shape} and {second.shape}, expected two equal (n, x, y, z)")
    window = 2 * window_radius(sigma_cells) + 1
    if min(first.shape[1:3]) < window:
        raise DataError(f"SSIM: found images of {first.shape[1:3]} cells, expected at least {window} x {window}")
    chunk = _pairs_at_a_time(first)
    chunks = [slice(start, start + chunk) for start in range(0, len(first), chunk)]
    return np.concatenate(
        [np.empty(0), *(_ssim(first[rows], second[rows], data_range, sigma_cells) for rows in chunks)]
    )


def random_partners(count: int, rng: np.random.Generator) -> np.ndarray:
    """For each of ``count`` showers the index of another one, shape (count,); no shower is its own partner.

    Raises
    ------
    DataError
        Fewer than two showers.
    """
    if count < 2:
        raise DataError(f"SSIM: found {count} showers, expected at least 2 to pair")
    order = rng.permutation(count)
    partners = np.empty(count, dtype=np.int64)
    partners[order] = np.roll(order, 1)
    return partners


def ssim_scan(
    reference: np.ndarray,
    generated: np.ndarray,
    rng: np.random.Generator,
    ranges_gev: tuple[float, ...] = SCANNED_RANGES_GEV,
) -> dict[str, np.ndarray]:
    """Mean similarity of random pairs within and between two samples, for several dynamic ranges.

    Parameters
    ----------
    reference, generated : ndarray, shape (n, x, y, z)
        Of the same energies, GeV; the longer one is cut.
    rng : numpy.random.Generator
        Chooses the pairs, the same ones at every range.
    ranges_gev : tuple of float

    Returns
    -------
    dict
        ``mc_mc``, ``mc_gan``, ``gan_gan``, each of shape (len(ranges_gev),), and their errors of the mean under the
        same names with ``_error``.  Generated showers that are more alike than simulated ones have ``gan_gan`` above
        ``mc_mc``.
    """
    count = min(len(reference), len(generated))
    reference, generated = reference[:count], generated[:count]
    pairs = {
        "mc_mc": (reference, reference[random_partners(count, rng)]),
        "mc_gan": (reference, generated[random_partners(count, rng)]),
        "gan_gan": (generated, generated[random_partners(count, rng)]),
    }
    found = {}
    for name, (first, second) in pairs.items():
        values = np.stack([ssim(first, second, data_range) for data_range in ranges_gev])
        found[name] = values.mean(axis=1)
        found[f"{name}_error"] = values.std(axis=1, ddof=1) / np.sqrt(count)
    return found


def ssim_of_pairs(
    images: np.ndarray, pairs: np.ndarray, data_range: float, sigma_cells: float = SIGMA_CELLS
) -> np.ndarray:
    """As :func:`ssim` for pairs within one sample, whose means and variances are filtered once and not once per pair.

    Parameters
    ----------
    images : ndarray, shape (n, x, y, z)
        Not too many: several copies in double precision are held.
    pairs : ndarray of int, shape (p, 2)
    data_range, sigma_cells : float

    Returns
    -------
    ndarray, shape (p,), float64
    """
    local = _local(images, sigma_cells)
    chunk = _pairs_at_a_time(images)
    chunks = [pairs[start : start + chunk].T for start in range(0, len(pairs), chunk)]
    found = (
        _index([part[a] for part in local], [part[b] for part in local], data_range, sigma_cells) for a, b in chunks
    )
    return np.concatenate([np.empty(0), *found])


def _pairs_at_a_time(images: np.ndarray) -> int:
    return max(1, CHUNK_CELLS // math.prod(images.shape[1:]))


def _ssim(first: np.ndarray, second: np.ndarray, data_range: float, sigma_cells: float) -> np.ndarray:
    return _index(_local(first, sigma_cells), _local(second, sigma_cells), data_range, sigma_cells)


def _local(images: np.ndarray, sigma_cells: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Images in double precision, their local means and variances."""
    images = images.astype(np.float64)
    mean = _filter(images, sigma_cells)
    return images, mean, _filter(images * images, sigma_cells) - mean**2


def _index(first: Sequence[np.ndarray], second: Sequence[np.ndarray], data_range: float, sigma: float) -> np.ndarray:
    (x, mean_x, variance_x), (y, mean_y, variance_y) = first, second
    covariance = _filter(x * y, sigma) - mean_x * mean_y
    c1, c2 = (K1 * data_range) ** 2, (K2 * data_range) ** 2
    value = (2 * mean_x * mean_y + c1) * (2 * covariance + c2)
    value /= (mean_x**2 + mean_y**2 + c1) * (variance_x + variance_y + c2)
    return value.mean(axis=(1, 2, 3))


def _filter(images: np.ndarray, sigma_cells: float) -> np.ndarray:
    """Gaussian mean at every position where the window lies inside: (n, x, y, z) to (n, x - 2r, y - 2r, z)."""
    rows = _window_matrix(images.shape[1], sigma_cells)
    columns = _window_matrix(images.shape[2], sigma_cells)
    n, x, y, z = images.shape
    once = rows @ images.reshape(n, x, y * z)
    return columns @ once.reshape(n, len(rows), y, z)


def _window_matrix(size: int, sigma_cells: float) -> np.ndarray:
    """Row i holds the window that begins at cell i, shape (size - 2r, size)."""
    radius = window_radius(sigma_cells)
    offsets = np.arange(-radius, radius + 1)
    window = np.exp(-0.5 * (offsets / sigma_cells) ** 2)
    window /= window.sum()
    matrix = np.zeros((size - 2 * radius, size))
    for row in range(len(matrix)):
        matrix[row, row : row + len(window)] = window
    return matrix
