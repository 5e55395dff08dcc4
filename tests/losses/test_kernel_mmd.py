"""Maximum mean discrepancies against loops in numpy."""

import numpy as np
import pytest

from calosim_tf.losses.kernel_mmd import sorted_mmd, vector_mmd

RNG = np.random.default_rng(4)


def kernel_mean(one, other, a):
    return np.mean([[np.exp(-a * np.sum((x - y) ** 2)) for y in other] for x in one])


def discrepancy(one, other, a):
    return kernel_mean(one, one, a) + kernel_mean(other, other, a) - 2 * kernel_mean(one, other, a)


def test_vectors():
    """Breaks when distances are not those of whole vectors, a pair is left out, or the kernels are not added."""
    found, wanted = RNG.normal(size=(2, 5, 3)).astype("f4")
    expected = discrepancy(found, wanted, 1.0) + discrepancy(found, wanted, 0.01)
    assert float(vector_mmd(found, wanted, (1.0, 0.01))) == pytest.approx(expected, rel=1e-4)


def test_sorted_cells():
    """Breaks when cells rise, windows begin elsewhere or end too early, or showers are mixed."""
    found, wanted = RNG.gamma(0.5, 0.3, (2, 3, 4, 5, 2)).astype("f4")
    terms = []
    for one, other in zip(found, wanted, strict=True):
        one, other = (np.sort(cells.ravel())[::-1] for cells in (one, other))
        terms += [discrepancy(one[j : j + 6], other[j : j + 6], 50.0) for j in range(0, 12, 4)]
    made = sorted_mmd(found, wanted, window=6, stride=4, last=12, sharpness=50.0)
    assert float(made) == pytest.approx(np.mean(terms), rel=1e-4)


def test_sorted_cells_of_the_same_spectrum():
    """Breaks when the place of a cell matters, or equal showers are apart."""
    showers = RNG.gamma(0.5, 0.3, (2, 200)).astype("f4")
    mixed = RNG.permuted(showers, axis=1)
    options = {"window": 20, "stride": 10, "last": 100, "sharpness": 200.0}
    assert float(sorted_mmd(mixed, showers, **options)) == pytest.approx(0.0, abs=1e-6)
    assert float(sorted_mmd(1.1 * showers, showers, **options)) > 1e-3
