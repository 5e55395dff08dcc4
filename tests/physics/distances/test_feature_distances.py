"""FPD, KPD, MMD and Frechet distance against jetnet, plain numpy and closed forms."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import numpy as np
import pytest

from calosim_tf.errors import DataError
from calosim_tf.physics.distances.feature_products import GROUP
from calosim_tf.physics.distances.frechet import fpd, frechet_distance, resampled_moments
from calosim_tf.physics.distances.kernel_distance import (
    drawn_mmd2,
    gaussian_mmd2,
    kpd,
    median_distance,
    polynomial_mmd2,
    unbiased_mmd2,
)
from calosim_tf.physics.metrics.network_features import inception_score

REFERENCE = Path(__file__).parents[2] / "reference"


@pytest.fixture(scope="module")
def jetnet() -> dict:
    return json.loads((REFERENCE / "jetnet_reference.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def pairs() -> dict:
    """The very inputs that jetnet was given."""
    path = REFERENCE / "make_jetnet_reference.py"
    spec = importlib.util.spec_from_file_location(path.stem, path)
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    return {"random": script.random_pair(), "showers": script.shower_pair()}


@pytest.mark.parametrize("name", ["random", "showers"])
def test_fpd_agrees_with_jetnet_within_its_own_spread(jetnet, pairs, name):
    """Breaks if features are scaled otherwise, the sizes or the fit differ, or the covariance is biased.

    Both draw at random: the tolerance is four standard deviations of jetnet over its seeds.
    """
    values = np.array(jetnet[name]["fpd"])
    assert jetnet[name]["n"] == [len(part) for part in pairs[name]]
    found = fpd(*pairs[name], np.random.default_rng(1))
    assert abs(found.value - values[:, 0].mean()) < 4 * values[:, 0].std(ddof=1)
    # an error of ten points around a line is known to about a quarter; a factor of 3 allows for two of them
    assert values[:, 1].mean() / 3 < found.fit_error < 3 * values[:, 1].mean()
    assert found.error > found.fit_error


@pytest.mark.parametrize("name", ["random", "showers"])
@pytest.mark.slow
def test_kpd_agrees_with_jetnet_within_its_own_spread(jetnet, pairs, name):
    """Breaks if kernel, scale or batches differ: four standard deviations of jetnet over its seeds."""
    values = np.array(jetnet[name]["kpd"])
    value, error = kpd(*pairs[name], np.random.default_rng(1), batch_showers=jetnet["kpd_batch"])
    assert abs(value - values[:, 0].mean()) < 4 * values[:, 0].std(ddof=1)
    assert values[:, 1].mean() / 3 < error < 3 * values[:, 1].mean()


@pytest.mark.parametrize("d", [3, 60])
def test_polynomial_mmd_is_that_of_all_pairs(d):
    """Breaks if a moment has the wrong weight (d = 3) or the blocks of pairs the wrong diagonal (d = 60)."""
    rng = np.random.default_rng(2)
    x, y = rng.normal(size=(1500, d)), rng.normal(0.2, 1.1, size=(1100, d))
    kernels = {name: (a @ b.T / d + 1) ** 4 for name, a, b in (("xx", x, x), ("yy", y, y), ("xy", x, y))}
    expected = -2 * kernels["xy"].mean()
    for name, n in (("xx", len(x)), ("yy", len(y))):
        expected += (kernels[name].sum() - np.trace(kernels[name])) / (n * (n - 1))
    assert polynomial_mmd2(x, y) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("d", [1, 2, GROUP, GROUP + 1, 30])
def test_kpd_of_rows_drawn_several_times(d):
    """Breaks if a row that was drawn twice counts once, or a product of four features is missing or counts twice."""
    rng = np.random.default_rng(d)
    samples = rng.normal(size=(60, d)), rng.normal(0.2, 1.0, size=(50, d))
    rows = [rng.integers(len(sample), size=80) for sample in samples]
    drawn = [sample[chosen] for sample, chosen in zip(samples, rows, strict=True)]
    expected = unbiased_mmd2(*drawn, lambda x, y: (x @ y.T / d + 1) ** 4)
    assert drawn_mmd2(*zip(samples, rows, strict=True)) == pytest.approx(expected, rel=1e-10)


def gaussian_mmd2_of_shifted_normals(shift: float, d: int, width: float) -> float:
    """Closed form for unit normals in d dimensions, one shifted by ``shift`` along one axis."""
    scale = (width**2 / (width**2 + 2)) ** (d / 2)
    return 2 * scale * (1 - np.exp(-(shift**2) / (2 * (width**2 + 2))))


def test_gaussian_mmd_of_a_shifted_normal_is_the_closed_form():
    """Breaks if the estimate is biased or its error is not its spread: 30 pairs, with and without a shift.

    Without one, the error is known to be up to twice too large.
    """
    width, d, n = 2.0, 3, 300
    for shift, largest in ((0.0, 2.0), (0.5, 1.4)):
        rng = np.random.default_rng(3)
        found = []
        for _ in range(30):
            x, y = rng.normal(size=(n, d)), rng.normal(size=(n, d))
            y[:, 0] += shift
            found.append(gaussian_mmd2(x, y, width))
        values = np.array([one.value for one in found])
        expected = gaussian_mmd2_of_shifted_normals(shift, d, width)
        assert abs(values.mean() - expected) < 4 * values.std(ddof=1) / np.sqrt(len(values))
        assert 0.7 < np.mean([one.error for one in found]) / values.std(ddof=1) < largest


def test_gaussian_mmd_equals_the_sum_over_pairs():
    """Breaks if blocks of rows are joined wrongly."""
    rng = np.random.default_rng(4)
    x, y = rng.normal(size=(1300, 4)), rng.normal(0.1, 1.0, size=(1300, 4))

    def kernel(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        return np.exp(-((a[:, None] - b[None]) ** 2).sum(axis=-1) / (2 * 1.5**2))

    assert gaussian_mmd2(x, y, 1.5).value == pytest.approx(unbiased_mmd2(x, y, kernel), abs=1e-12)


def test_the_median_distance_is_over_each_pair_once():
    """Breaks if neighbours in the file are left out: of 0, 1, 3 and 7 the distances are 1, 2, 4, 3, 6 and 7."""
    for unit in (1.0, 0.01):
        assert median_distance(unit * np.array([0.0, 1.0, 3.0, 7.0])[:, None]) == pytest.approx(3.5 * unit)
    assert median_distance(np.zeros((4, 2))) == 1.0


def test_inception_score_by_hand():
    """Breaks if classes and showers are exchanged: two of four classes, each told for sure, are 2; all alike are 1."""
    rng = np.random.default_rng(0)
    certain = np.eye(4)[np.arange(20) % 2]
    assert inception_score(certain, rng)[0] == pytest.approx(2.0)
    assert inception_score(np.full((20, 4), 0.25), rng) == pytest.approx((1.0, 0.0))


def test_gaussian_mmd_and_its_error_by_hand():
    """Breaks if one of the two terms of the error has another weight.

    75 showers at 0 and 25 at 100 widths from them, against 100 at another far point: h is 2 for two showers of one
    place and 1 for two of different places.  Its mean over the 9900 pairs is the distance, as nothing is across.
    """
    x = np.repeat([0.0, 100.0], [75, 25])[:, None]
    found = gaussian_mmd2(x, np.full((100, 1), -100.0), 1.0)
    same, different = 75 * 74 + 25 * 24, 2 * 75 * 25
    assert found.value == pytest.approx((2 * same + different) / 9900, rel=1e-12)
    mean_square = (4 * same + different) / 9900
    # row means 1 + 74/99 (75 times) and 1 + 24/99 (25 times)
    variance_of_rows = (50 / 99) ** 2 * 75 * 25 / (100 * 99) - mean_square / 99
    assert variance_of_rows > 0
    assert found.error**2 == pytest.approx(4 / 100 * variance_of_rows + 2 / 9900 * mean_square, rel=1e-9)


def test_frechet_distance_of_known_gaussians():
    """|shift|^2 for equal widths, sum of (s1 - s2)^2 along common axes; a batch of them gives the same numbers."""
    axes = np.linalg.qr(np.random.default_rng(5).normal(size=(3, 3)))[0]
    first, second = (axes @ np.diag(np.square(s)) @ axes.T for s in ([1.0, 2.0, 3.0], [2.0, 2.0, 1.0]))
    mean, other = np.zeros(3), np.array([0.5, 0.0, -1.0])
    assert frechet_distance(mean, first, other, first) == pytest.approx(1.25)
    assert frechet_distance(mean, first, other, second) == pytest.approx(1.25 + 1 + 0 + 4)
    batch = frechet_distance(np.stack([mean, mean]), np.stack([first, first]), other, second)
    assert batch == pytest.approx([6.25, 6.25])


def test_fpd_of_a_shifted_gaussian_is_the_closed_form():
    """Features are over the largest absolute value, so the closed form is (shift / largest)^2."""
    rng = np.random.default_rng(6)
    x, y = rng.normal(size=(12_000, 4)), rng.normal(size=(12_000, 4))
    y[:, 1] += 1.0
    found = fpd(x, y, rng)
    expected = 1 / np.abs(x[:, 1]).max() ** 2
    assert abs(found.value - expected) < 5 * found.error
    assert found.error < 0.1 * expected
    assert fpd(x, x, rng).value < 5e-3 * expected


def test_moments_of_draws_are_those_of_numpy():
    """Breaks if the product over draws counts a row wrongly: a draw of everything once has numpy's moments."""
    sample = np.random.default_rng(7).normal(2.0, 3.0, size=(50, 4))

    class Once:
        def integers(self, n, size):
            return np.arange(n)

    mean, covariance = resampled_moments(sample, np.array([50]), Once())
    np.testing.assert_allclose(mean[0], sample.mean(axis=0))
    np.testing.assert_allclose(covariance[0], np.cov(sample, rowvar=False))


def test_too_few_showers_for_fpd_are_refused():
    few = np.zeros((9_999, 2))
    with pytest.raises(DataError, match="9999 and 9999 showers, expected at least 10000"):
        fpd(few, few, np.random.default_rng(8))
    # one of them is enough
    for pair in ((few, np.zeros((10_000, 2))), (np.zeros((10_000, 2)), few)):
        with pytest.raises(DataError, match="expected at least 10000"):
            fpd(*pair, np.random.default_rng(8))


def test_kpd_is_the_median_of_its_batches_and_half_of_their_central_68_percent():
    """Breaks when a mean or another range of the ten batches is taken; features are divided by the largest of 2."""
    draw = np.random.default_rng(3)
    real, made = draw.uniform(-2.0, 2.0, (60, 2)), draw.uniform(-2.0, 2.0, (50, 2))
    real[0] = -2.0
    rng = np.random.default_rng(4)
    values = []
    for _ in range(10):
        first, second = real[rng.integers(60, size=40)] / 2, made[rng.integers(50, size=40)] / 2
        values.append(polynomial_mmd2(first, second))
    low, high = np.percentile(values, (16.275, 83.725))
    found = kpd(real, made, np.random.default_rng(4), batch_showers=40)
    assert found == pytest.approx((np.median(values), (high - low) / 2), rel=1e-9)
