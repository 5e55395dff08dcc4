"""Birthday-paradox support size on sets whose size is known."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.distance import pdist

from calosim_tf.physics.distances import support_size as support_size_module
from calosim_tf.physics.distances.support_size import PairDistances, calibrated_limit, support, support_size


def distances(values: np.ndarray) -> PairDistances:
    pairs = np.column_stack(np.triu_indices(len(values), 1))
    return PairDistances(pairs, pdist(values.reshape(len(values), -1)), len(values))


@pytest.mark.parametrize("size", [300, 3_000, 30_000])
def test_a_uniform_set_of_n_points_has_a_support_of_n(size):
    """Within a factor 2, and within 4 of its own errors: breaks if a batch is counted from 0 or ln 2 is lost."""
    rng = np.random.default_rng(1)
    found = distances(rng.integers(size, size=800).astype(float))
    result = support(found.duplicates(0.0), found.n, rng)
    assert size / 2 < result.size < 2 * size
    assert abs(result.size - size) < 4 * result.error
    assert result.size == pytest.approx(support_size(result.half_batch))


def test_a_limit_set_on_one_sample_gives_an_equal_one_the_wanted_support():
    """Calibrated on one sample to 2000, another of the same law gives a value near it, one of 80 values does not."""
    rng = np.random.default_rng(2)
    reference, other = (distances(rng.normal(size=(800, 3))) for _ in range(2))
    limit = calibrated_limit(reference, 2_000.0)
    same = support(other.duplicates(limit), other.n, rng)
    assert abs(same.size - 2_000) < 4 * same.error
    few = rng.normal(size=(80, 3))
    collapsed = distances(few[rng.integers(80, size=800)])
    assert support(collapsed.duplicates(limit), collapsed.n, rng).size < 200


def test_many_duplicates_are_counted_as_few_are(monkeypatch):
    """Breaks if the short way for many duplicates counts draws otherwise; equal showers end with the second draw."""
    found = distances(np.random.default_rng(4).integers(40, size=400).astype(float))
    pairs = found.duplicates(0.0)
    sizes = []
    for many in (len(pairs), 0):
        monkeypatch.setattr(support_size_module, "MANY_DUPLICATES", many)
        sizes.append(support(pairs, found.n, np.random.default_rng(5)).half_batch)
    assert sizes[0] == sizes[1]
    equal = distances(np.zeros(30))
    assert support(equal.duplicates(0.0), 30, np.random.default_rng(6)).half_batch == 2


def test_no_duplicates_give_no_number():
    result = support(np.empty((0, 2), dtype=int), 100, np.random.default_rng(3))
    assert np.isnan(result.size)
    assert result.duplicates == 0
    few = distances(np.arange(10.0))
    assert np.isnan(calibrated_limit(few, 1e6))
