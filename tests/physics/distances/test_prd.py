"""PRD curve, its area and its clustering against independent calculations."""

from __future__ import annotations

import builtins
import itertools
import math

import numpy as np
import pytest

from calosim_tf.errors import ConfigError, DataError
from calosim_tf.physics.distances.prd import cluster_shares, prd, prd_auc, prd_curve, subsample_rows


def best_precision_by_subsets(p: np.ndarray, q: np.ndarray, slope: float) -> float:
    """Smallest ``slope * P(A) + Q(not A)`` over all sets A: the dual form of the definition, no minimum per cluster."""
    choices = np.array(list(itertools.product((0, 1), repeat=len(p))))
    return float((slope * choices @ p + (1 - choices) @ q).min())


def area_by_integration(p: np.ndarray, q: np.ndarray) -> float:
    """Exact area: between two ratios q/p precision is a + b lambda and recall is b + a / lambda."""
    with np.errstate(divide="ignore"):
        ratio = np.where(p > 0, q / np.where(p > 0, p, 1), np.inf)
    ends = np.unique(np.concatenate([[0.0], ratio[np.isfinite(ratio)]]))
    area = 0.0
    for low, high in itertools.pairwise(ends):
        b = p[ratio > low].sum()
        a = q[ratio <= low].sum()
        area += b**2 * (high - low) + (a * b * math.log(high / low) if low > 0 else 0.0)
    return area


@pytest.fixture
def histograms() -> tuple[np.ndarray, np.ndarray]:
    """Shares in 10 clusters, some of them empty in one of the two."""
    rng = np.random.default_rng(5)
    p, q = rng.dirichlet(np.full(10, 0.5), size=2)
    p[0], q[3] = 0.0, 0.0
    return p / p.sum(), q / q.sum()


def test_curve_agrees_with_the_dual_definition(histograms):
    """Breaks if P and Q, or precision and recall, are swapped, or the minimum is taken over other terms."""
    p, q = histograms
    precision, recall = prd_curve(p, q)
    for i in range(0, 1001, 50):
        slope = math.tan(1e-10 + i / 1000 * (math.pi / 2 - 2e-10))
        best = best_precision_by_subsets(p, q, slope)
        assert precision[i] == pytest.approx(best, abs=1e-6)
        assert recall[i] == pytest.approx(best / slope, abs=1e-6)


def test_curve_is_the_supremum_of_the_definition(histograms):
    """Breaks if the curve is not the largest share of Q and P that one common distribution can explain."""
    from scipy.optimize import linprog

    p, q = histograms
    precision, recall = prd_curve(p, q)
    for i in (100, 300, 500, 700, 900):
        ratio = precision[i] / recall[i]
        # the common part nu, at most Q itself and at most P when scaled by recall / precision
        bounds = np.concatenate([q, ratio * p])
        found = linprog(-np.ones(10), A_ub=np.vstack([np.eye(10)] * 2), b_ub=bounds, bounds=(0, None))
        assert precision[i] == pytest.approx(-found.fun, abs=1e-6)


def test_area_agrees_with_exact_integration(histograms):
    """Breaks if the area is taken over the wrong axis, or the angles are too few for it."""
    assert prd_auc(*prd_curve(*histograms)) == pytest.approx(area_by_integration(*histograms), abs=2e-5)


def test_two_clusters_by_hand():
    """Breaks if a factor is lost: P = (1/2, 1/2) and Q = (1, 0) have precision 1/2 at slope 1, and the area 1/2."""
    precision, recall = prd_curve([0.5, 0.5], [1.0, 0.0])
    # min(lambda / 2, 1): recall is 1/2 up to lambda = 2, then 1 / lambda at precision 1
    assert precision[500] == pytest.approx(0.5, abs=1e-9)
    assert recall[:705] == pytest.approx(0.5, abs=1e-9)
    assert prd_auc(precision, recall) == pytest.approx(0.5, abs=1e-4)


def test_identical_histograms_reach_one_and_disjoint_ones_nothing():
    """Breaks if the ends of the curve are lost."""
    share = np.full(7, 1 / 7)
    assert prd_auc(*prd_curve(share, share)) == pytest.approx(1.0, abs=1e-9)
    assert prd_auc(*prd_curve([1.0, 0.0], [0.0, 1.0])) == pytest.approx(0.0, abs=1e-9)


def test_stacked_histograms_are_curves_of_their_own(histograms):
    """Breaks if leading axes are mixed: the resampling relies on them."""
    p, q = histograms
    precision, recall = prd_curve(np.stack([p, q]), np.stack([q, p]), n_angles=51)
    for row, pair in enumerate(((p, q), (q, p))):
        single = prd_curve(*pair, n_angles=51)
        assert np.array_equal(precision[row], single[0])
        assert np.array_equal(recall[row], single[1])


def blobs(n: int, seed: int, shift: float = 0.0) -> np.ndarray:
    """``n`` points in 4 dimensions around 6 centres, moved by ``shift``."""
    rng = np.random.default_rng(seed)
    centres = np.random.default_rng(99).normal(scale=4.0, size=(6, 4))
    return centres[rng.integers(6, size=n)] + rng.normal(size=(n, 4)) + shift


# Real-against-real areas found by others with showers: 0.987 for 1000 showers and 20 clusters, 0.909 for 100.
@pytest.mark.parametrize(("n_clusters", "ceiling"), [(20, 0.987), (100, 0.909)])
def test_two_samples_of_one_distribution_reach_the_known_ceiling(n_clusters, ceiling):
    """Breaks if the clustering, the sizes or the area change what a perfect generator would get."""
    result = prd(blobs(1000, 1), blobs(1000, 2), n_clusters=n_clusters, n_runs=3)
    assert result.auc == pytest.approx(ceiling, abs=0.01)
    assert result.n == 1000
    assert 0 < result.run_spread < 0.01
    assert 0.001 < result.sampling_error < 0.02


def test_separated_samples_get_almost_nothing():
    """Breaks if clusters are not those of the pooled sample."""
    assert prd(blobs(300, 1), blobs(300, 2, shift=50.0), n_clusters=10, n_runs=2).auc < 1e-6


def test_lost_mode_costs_recall_not_precision():
    """Breaks if reference and evaluated are swapped."""
    reference = blobs(600, 1)
    evaluated = np.tile(reference[np.linalg.norm(reference - reference[0], axis=1) < 4], (10, 1))[:600]
    result = prd(reference, evaluated, n_clusters=12, n_runs=2)
    assert result.precision[-1] > 0.99
    assert result.recall[0] < 0.6


def test_same_seed_same_result_and_another_seed_another_one():
    """Breaks if a hidden random state enters, or the seed does not."""
    samples = blobs(500, 1), blobs(400, 2)
    first, again, other = (prd(*samples, n_clusters=15, n_runs=2, seed=seed) for seed in (3, 3, 4))
    assert np.array_equal(first.precision, again.precision)
    assert first.auc == again.auc
    assert first.auc != other.auc
    assert first.n == 400


def test_shares_are_those_of_each_sample():
    """Breaks if the two parts of the pooled labels are cut at the wrong place."""
    p, q = cluster_shares(np.array([[0.0]] * 30), np.array([[0.0]] * 10 + [[9.0]] * 30), 2, seed=1)
    assert sorted(p) == [0.0, 1.0]
    assert q[np.argmax(p)] == 0.25


def test_few_distinct_values_are_the_clusters():
    """Breaks if a coarse column (a count of cells) makes the clustering fail, warn or merge values."""
    p, q = cluster_shares(np.array([[1.0], [1.0], [2.0], [4.0]]), np.array([[4.0], [7.0]]), 20, seed=1)
    assert (len(p), len(q)) == (20, 20)
    assert sorted(zip(p[:4], q[:4], strict=True)) == [(0.0, 0.5), (0.25, 0.0), (0.25, 0.5), (0.5, 0.0)]


def test_subsample_keeps_pairs_together():
    """Breaks if two samples of one length lose different rows, or a row is taken twice."""
    rows = subsample_rows(50, 20, seed=7)
    assert np.array_equal(rows, subsample_rows(50, 20, seed=7))
    assert len(np.unique(rows)) == 20
    assert rows.max() < 50
    with pytest.raises(DataError, match="51 showers asked for, found 50"):
        subsample_rows(50, 51, seed=7)


@pytest.mark.parametrize(
    ("samples", "settings", "error", "message"),
    [
        ((np.zeros((9, 2)), np.zeros((9, 3))), {"n_clusters": 3}, DataError, "2 and 3 columns"),
        ((np.zeros((9, 2)), np.zeros((30, 2))), {"n_clusters": 10}, DataError, "9 showers for 10 clusters"),
        ((np.full((9, 2), np.nan), np.zeros((9, 2))), {"n_clusters": 3}, DataError, "finite numbers"),
        ((np.zeros(9), np.zeros(9)), {"n_clusters": 3}, DataError, r"shape \(9,\)"),
        ((np.zeros((9, 2)), np.zeros((9, 2))), {"n_clusters": 1}, ConfigError, "1 clusters"),
        ((np.zeros((9, 2)), np.zeros((9, 2))), {"n_runs": 0}, ConfigError, "0 runs"),
    ],
)
def test_bad_input_is_named(samples, settings, error, message):
    """Breaks if a user's mistake ends in a traceback of numpy or scikit-learn."""
    with pytest.raises(error, match=message):
        prd(*samples, **settings)


def test_bad_histograms_are_named():
    """Breaks if counts instead of shares give a curve beyond 1."""
    with pytest.raises(DataError, match="evaluated histogram"):
        prd_curve([0.5, 0.5], [3.0, 4.0])
    with pytest.raises(ConfigError, match="n_angles is 2"):
        prd_curve([0.5, 0.5], [0.5, 0.5], n_angles=2)


def test_missing_scikit_learn_is_one_line(monkeypatch):
    """Breaks if an installation without the extra ends in an ImportError."""
    real_import = builtins.__import__

    def refuse(name, *args, **kwargs):
        if name.startswith("sklearn"):
            raise ImportError(name)
        return real_import(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", refuse)
    with pytest.raises(ConfigError, match=r"needs scikit-learn.*pip install .*eval"):
        prd(np.zeros((9, 2)), np.ones((9, 2)), n_clusters=2)
