"""Precision and recall of distributions (PRD) and the area under their curve.

Sajjadi et al., "Assessing generative models via precision and recall" (NeurIPS 2018), as used by Ratnikov and
Rogachev (eq. 6): both samples are pooled and clustered, P and Q are the shares of the reference and of the evaluated
sample per cluster, and for every slope lambda

    precision(lambda) = sum_c min(lambda P_c, Q_c),    recall(lambda) = sum_c min(P_c, Q_c / lambda).

Even two samples of one distribution stay below an area of 1, by up to clusters / showers: a value means nothing
without the number of showers, the number of clusters and the value of one real sample against another.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from calosim_tf.errors import ConfigError, DataError
from calosim_tf.physics.observables.bootstrap import BOOTSTRAP_RESAMPLES

# Angles of the slopes: defaults of the authors of the measure.
N_ANGLES = 1001
ANGLE_MARGIN = 1e-10
# Starts of the clustering, of which the best is kept; likewise.
N_STARTS = 10


@dataclass(frozen=True)
class Prd:
    """PRD of two samples of equal size, averaged over clusterings.

    Attributes
    ----------
    precision, recall : ndarray, shape (n_angles,)
        Mean curve, at equal angles.
    auc : float
        Area under the mean curve.
    run_spread : float
        Standard deviation of the areas of the single clusterings (NaN for one run). It says how much the clustering
        matters, not how much the choice of showers does.
    sampling_error : float
        Standard deviation of the area if the cluster counts are redrawn from a multinomial law, 200 times in all: the
        statistical error at fixed clusters. Too large where the samples agree: six independent pairs of 1000 EGSnrc
        showers spread by 0.011 with 100 clusters and 0.004 with 20, and this gives 0.018 and 0.008.
    n, n_clusters, n_runs : int
        Showers per sample, clusters and clusterings.
    """

    precision: np.ndarray
    recall: np.ndarray
    auc: float
    run_spread: float
    sampling_error: float
    n: int
    n_clusters: int
    n_runs: int


def prd_curve(
    reference_share: np.ndarray, evaluated_share: np.ndarray, n_angles: int = N_ANGLES
) -> tuple[np.ndarray, np.ndarray]:
    """Precision and recall of two histograms at ``n_angles`` slopes tan(angle), 0 < angle < pi/2.

    Parameters
    ----------
    reference_share, evaluated_share : ndarray, shape (..., k)
        Histograms P and Q, each summing to 1 along the last axis.
    n_angles : int
        At least 3.

    Returns
    -------
    precision, recall : ndarray, shape (..., n_angles)
        Precision grows with the angle and recall falls.

    Raises
    ------
    ConfigError
        If there are too few angles.
    DataError
        If a histogram is negative or does not sum to 1.
    """
    if n_angles < 3:
        raise ConfigError(f"n_angles is {n_angles}: a curve needs at least 3")
    histograms = [np.asarray(share, dtype=np.float64) for share in (reference_share, evaluated_share)]
    for name, share in zip(("reference", "evaluated"), histograms, strict=True):
        if np.any(share < 0) or not np.allclose(share.sum(axis=-1), 1.0, rtol=0, atol=1e-9):
            raise DataError(f"{name} histogram: found negative or unnormalised shares, expected shares that sum to 1")
    slope = np.tan(np.linspace(ANGLE_MARGIN, math.pi / 2 - ANGLE_MARGIN, n_angles))
    p, q = (share[..., None, :] for share in histograms)
    precision = np.minimum(slope[:, None] * p, q).sum(axis=-1)
    # rounding may carry a sum of shares just past 1
    return np.clip(precision, 0, 1), np.clip(precision / slope, 0, 1)


def prd_auc(precision: np.ndarray, recall: np.ndarray) -> np.ndarray | float:
    """Area under the curve, precision on the abscissa, by the trapezoid rule along the last axis."""
    steps = np.diff(precision, axis=-1)
    return np.sum(steps * (recall[..., 1:] + recall[..., :-1]) / 2, axis=-1)


def subsample_rows(n_available: int, n: int, seed: int) -> np.ndarray:
    """``n`` of ``n_available`` row numbers, in increasing order.

    Samples of the same length lose the same rows, so showers made for the reference's own conditions stay with them.

    Raises
    ------
    DataError
        If there are fewer rows than requested.
    """
    if n > n_available:
        raise DataError(f"{n} showers asked for, found {n_available}: ask for fewer")
    return np.sort(np.random.default_rng(seed).permutation(n_available)[:n])


def cluster_shares(
    reference: np.ndarray, evaluated: np.ndarray, n_clusters: int, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Shares of the two samples in the clusters of the pooled sample, each of shape (n_clusters,).

    Mini-batch k-means on the columns as they are: scale them before if their units differ. If there are no more
    distinct rows than clusters (a share of 900 cells has few values), each of them is a cluster.

    Parameters
    ----------
    reference, evaluated : ndarray, shape (n, d), (m, d)
    n_clusters : int
    seed : int
        Determines the clusters; they do not depend on the number of processors.
    """
    clustering, limits = _import_clustering()
    pooled = np.concatenate([reference, evaluated]).astype(np.float64, copy=False)
    distinct, labels = np.unique(pooled, axis=0, return_inverse=True)
    if len(distinct) > n_clusters:
        # one thread: sums over threads round differently, and a tie may then fall to another cluster
        with limits(limits=1):
            labels = clustering(n_clusters=n_clusters, n_init=N_STARTS, random_state=seed).fit(pooled).labels_
    parts = labels[: len(reference)], labels[len(reference) :]
    return tuple(np.bincount(part, minlength=n_clusters) / len(part) for part in parts)


def prd(
    reference: np.ndarray,
    evaluated: np.ndarray,
    n_clusters: int = 100,
    n_runs: int = 10,
    n_angles: int = N_ANGLES,
    seed: int = 0,
) -> Prd:
    """PRD of an evaluated sample against a reference, averaged over ``n_runs`` clusterings.

    The larger sample is cut to the size of the smaller one, because unequal sizes bias the curve; which showers stay
    depends on ``seed`` alone.

    Parameters
    ----------
    reference, evaluated : ndarray, shape (n, d), (m, d)
        One row per shower.
    n_clusters : int
        20 by default in the original code, 30 or 100 in that of Sergeev et al.; 100 here.
    n_runs : int
        10 by default in the original code, 100 for published values of Sergeev et al.
    n_angles, seed : int

    Raises
    ------
    ConfigError
        If a setting is out of range or scikit-learn is missing.
    DataError
        If the samples are too small, have different columns, or a value is not a finite number.
    """
    if n_clusters < 2 or n_runs < 1:
        raise ConfigError(f"PRD: found {n_clusters} clusters and {n_runs} runs, expected at least 2 and 1")
    reference, evaluated = (_checked(values) for values in (reference, evaluated))
    n = min(len(reference), len(evaluated))
    if reference.shape[1] != evaluated.shape[1]:
        raise DataError(f"PRD: found {reference.shape[1]} and {evaluated.shape[1]} columns, expected the same number")
    if n < n_clusters:
        raise DataError(
            f"PRD: found {n} showers for {n_clusters} clusters, expected at least as many: use fewer clusters"
        )
    samples = [values[subsample_rows(len(values), n, seed)] for values in (reference, evaluated)]
    shares = [
        cluster_shares(*samples, n_clusters, int(np.random.SeedSequence((seed, run)).generate_state(1)[0]))
        for run in range(n_runs)
    ]
    curves = [prd_curve(*pair, n_angles) for pair in shares]
    areas = np.array([prd_auc(*curve) for curve in curves])
    precision, recall = np.mean(curves, axis=0)
    return Prd(
        precision,
        recall,
        auc=float(prd_auc(precision, recall)),
        run_spread=float(areas.std(ddof=1)) if n_runs > 1 else math.nan,
        sampling_error=_sampling_error(shares, n, n_angles, seed),
        n=n,
        n_clusters=n_clusters,
        n_runs=n_runs,
    )


def _checked(values: np.ndarray) -> np.ndarray:
    values = np.asarray(values)
    if values.ndim != 2 or not np.isfinite(values).all():
        raise DataError(f"PRD: found an array of shape {values.shape}, expected finite numbers of shape (n, d)")
    return values


def _sampling_error(shares: list[tuple[np.ndarray, np.ndarray]], n: int, n_angles: int, seed: int) -> float:
    """Spread of the area under redrawn cluster counts, pooled over the clusterings."""
    rng = np.random.default_rng((seed, len(shares)))
    resamples = max(2, BOOTSTRAP_RESAMPLES // len(shares))
    variances = []
    for pair in shares:
        redrawn = [rng.multinomial(n, share, size=resamples) / n for share in pair]
        variances.append(np.var(prd_auc(*prd_curve(*redrawn, n_angles)), ddof=1))
    return float(np.sqrt(np.mean(variances)))


def _import_clustering():
    try:
        from sklearn.cluster import MiniBatchKMeans
        from threadpoolctl import threadpool_limits
    except ImportError:
        raise ConfigError(
            "PRD needs scikit-learn, which is not installed: pip install -c constraints.txt 'calosim-tf[eval]'"
        ) from None
    return MiniBatchKMeans, threadpool_limits
