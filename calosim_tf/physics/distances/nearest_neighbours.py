"""Nearest neighbours: generated showers that look most like real ones, and a memorisation test (numpy only).

Fig. 2 of Conditional CaloGAN (J. Phys. Conf. Ser. 1085 042017) shows the nearest generated neighbour, by the 2-norm of
a layer image, of seven real showers, and concludes that nothing is memorised.  Seven images cannot show that, so
:func:`memorisation` compares how near generated and held-out showers come to the training sample.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from calosim_tf.geometry import VoxelDetector

N_SHOWN = 7  # Fig. 2
# Rows of each side of a block of distances: 8 MB, beside two blocks of showers in float64; fewer of large showers.
BLOCK = 1024
BLOCK_NUMBERS = 8_000_000
# Generated showers nearer to the training sample than this share of the held-out ones are suspicious: our choice.
SUSPICIOUS_QUANTILE = 0.01
RESAMPLES = 200


@dataclass(frozen=True, eq=False)
class Nearest:
    """Nearest candidate of each point: its row and its Euclidean distance, both of shape (n,)."""

    rows: np.ndarray
    distance: np.ndarray


@dataclass(frozen=True, eq=False)
class LayerNeighbours:
    """Neighbours of some reference showers in one layer image; distances in MeV, shape (n,).

    Attributes
    ----------
    layer_id : int
    reference_rows : ndarray of int
    generated : Nearest
        Among the generated showers.
    reference : Nearest
        Among all other reference showers: the typical distance of a real neighbour; rows count those alone.
    """

    layer_id: int
    reference_rows: np.ndarray
    generated: Nearest
    reference: Nearest


@dataclass(frozen=True)
class Memorisation:
    """How near generated showers come to the training sample, compared with showers that were never trained on.

    Attributes
    ----------
    median_generated, median_held_out : float
        Medians of the distance to the nearest training shower.
    ratio, ratio_error : float
        Of the medians, with a bootstrap over both sets.  Copies are far below 1; above 1 the showers are less like
        the training sample than real ones are.
    quantile_held_out : float
        The 1 % quantile of the held-out distances.
    fraction_below, fraction_below_error : float
        Generated showers nearer than that, with the binomial error of (k + 1) / (n + 2).
    expected_fraction, expected_fraction_error : float
        1 % and, from the number of held-out showers, how well the quantile is known.
    n_generated, n_held_out : int
    """

    median_generated: float
    median_held_out: float
    ratio: float
    ratio_error: float
    quantile_held_out: float
    fraction_below: float
    fraction_below_error: float
    expected_fraction: float
    expected_fraction_error: float
    n_generated: int
    n_held_out: int


def in_blocks(rows: np.ndarray, n_columns: int = 1) -> Iterator[np.ndarray]:
    """Rows in blocks of at most ``BLOCK``, and of 64 MB in float64 if each stands for ``n_columns`` numbers."""
    step = max(1, min(BLOCK, BLOCK_NUMBERS // max(1, n_columns)))
    for first in range(0, len(rows), step):
        yield rows[first : first + step]


def nearest(points: np.ndarray, candidate_blocks: Iterable[np.ndarray]) -> Nearest:
    """Nearest candidate of each point by the 2-norm.

    Distances of a block come from scalar products.  That to the nearest one is then computed from the difference
    itself, so that a copy has distance 0 and not a rounding error.

    Parameters
    ----------
    points : ndarray, shape (n, d)
    candidate_blocks : iterable of ndarray, shape (up to any number, d)
        The candidates, block after block (:func:`in_blocks`), so that they need not be in memory at once.

    Raises
    ------
    ValueError
        There is no candidate.
    """
    rows = np.full(len(points), -1)
    distance = np.full(len(points), np.inf)
    first = 0
    for block in candidate_blocks:
        candidates = np.asarray(block, dtype=np.float64)
        half_square = 0.5 * np.einsum("ij,ij->i", candidates, candidates)
        for part in in_blocks(np.arange(len(points)), points.shape[1]):
            own = np.asarray(points[part], dtype=np.float64)
            best = np.argmin(half_square - own @ candidates.T, axis=1)
            found = np.linalg.norm(own - candidates[best], axis=1)
            nearer = found < distance[part]
            rows[part[nearer]] = first + best[nearer]
            distance[part[nearer]] = found[nearer]
        first += len(candidates)
    if first == 0 and len(points):
        raise ValueError("nearest neighbours: found no candidates")
    return Nearest(rows, distance)


def chosen_showers(n_reference: int, rng: np.random.Generator, n_shown: int = N_SHOWN) -> np.ndarray:
    """Random reference showers to look up, ascending, each once; all of them where there are fewer."""
    return np.sort(rng.choice(n_reference, min(n_shown, n_reference - 1), replace=False))


def layer_neighbours(
    reference_mev: np.ndarray, generated_mev: np.ndarray, detector: VoxelDetector, reference_rows: np.ndarray
) -> list[LayerNeighbours]:
    """Nearest generated neighbour of some reference showers, layer by layer.

    Parameters
    ----------
    reference_mev, generated_mev : ndarray, shape (n, n_voxels), (m, n_voxels)
    detector : VoxelDetector
    reference_rows : ndarray of int
        Fewer than all.
    """
    others = np.delete(np.arange(len(reference_mev)), reference_rows)
    found = []
    for layer_id, voxels in detector.layer_slices.items():
        points = reference_mev[reference_rows, voxels]
        among_reference = (reference_mev[rows, voxels] for rows in in_blocks(others))
        found.append(
            LayerNeighbours(
                layer_id,
                reference_rows,
                nearest(points, in_blocks(generated_mev[:, voxels])),
                nearest(points, among_reference),
            )
        )
    return found


def per_incident_energy(showers_mev: np.ndarray, incident_energy_mev: np.ndarray) -> np.ndarray:
    """Showers in units of their incident energy, float64: distances then weigh every energy alike."""
    return showers_mev / np.asarray(incident_energy_mev, dtype=np.float64)[:, None]


def memorisation(
    generated_distance: np.ndarray, held_out_distance: np.ndarray, rng: np.random.Generator
) -> Memorisation:
    """Compare the distances of generated and held-out showers to their nearest training shower.

    Parameters
    ----------
    generated_distance, held_out_distance : ndarray, shape (n,), (m,)
        Of showers of the same particles, as :func:`nearest` gives them.
    rng : numpy.random.Generator
        For the bootstrap.
    """
    n, m = len(generated_distance), len(held_out_distance)
    medians = [float(np.median(values)) for values in (generated_distance, held_out_distance)]
    draws = [
        np.median(rng.choice(values, (RESAMPLES, len(values))), axis=1)
        for values in (generated_distance, held_out_distance)
    ]
    limit = float(np.quantile(held_out_distance, SUSPICIOUS_QUANTILE))
    below = int(np.count_nonzero(generated_distance < limit))
    likely = (below + 1) / (n + 2)
    return Memorisation(
        median_generated=medians[0],
        median_held_out=medians[1],
        ratio=_ratio(*medians),
        ratio_error=float(np.std([_ratio(*pair) for pair in zip(*draws, strict=True)])),
        quantile_held_out=limit,
        fraction_below=below / n,
        fraction_below_error=math.sqrt(likely * (1 - likely) / n),
        expected_fraction=SUSPICIOUS_QUANTILE,
        expected_fraction_error=math.sqrt(SUSPICIOUS_QUANTILE * (1 - SUSPICIOUS_QUANTILE) / m),
        n_generated=n,
        n_held_out=m,
    )


def _ratio(value: float, reference: float) -> float:
    return float(value / reference) if reference > 0 else math.nan
