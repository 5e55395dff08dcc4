"""Precision, recall, density and coverage against a brute-force count and against prdc."""

from __future__ import annotations

import numpy as np
import pytest

from calosim_tf.errors import ConfigError, DataError
from calosim_tf.physics.distances import density_coverage as module
from calosim_tf.physics.distances.density_coverage import _kth_smallest, density_coverage

NAMES = ("precision", "recall", "density", "coverage")


def brute_force(reference: np.ndarray, evaluated: np.ndarray, k: int) -> dict[str, float]:
    """Point by point, with sorted distances."""

    def radii(sample: np.ndarray) -> list[float]:
        return [
            sorted(np.linalg.norm(sample[i] - sample[j]) for j in range(len(sample)) if j != i)[k - 1]
            for i in range(len(sample))
        ]

    inside = np.zeros((len(reference), len(evaluated)), dtype=bool)
    recalled = np.zeros_like(inside)
    for i, (x, radius) in enumerate(zip(reference, radii(reference), strict=True)):
        for j, (y, other_radius) in enumerate(zip(evaluated, radii(evaluated), strict=True)):
            distance = np.linalg.norm(x - y)
            inside[i, j], recalled[i, j] = distance < radius, distance < other_radius
    return {
        "precision": inside.any(axis=0).mean(),
        "recall": recalled.any(axis=1).mean(),
        "density": inside.sum() / (k * len(evaluated)),
        "coverage": inside.any(axis=1).mean(),
    }


@pytest.fixture(scope="module")
def samples() -> tuple[np.ndarray, np.ndarray]:
    """Overlapping samples of unequal size, far from the origin."""
    rng = np.random.default_rng(3)
    return rng.normal(100.0, 1.0, size=(40, 3)), rng.normal(100.7, 0.8, size=(31, 3))


@pytest.mark.parametrize("k", [1, 3, 5])
@pytest.mark.parametrize("block", [7, 1024])
def test_agrees_with_brute_force(samples, k, block, monkeypatch):
    """Breaks if a point counts as its own neighbour, the two samples are swapped, or blocks are joined wrongly."""
    monkeypatch.setattr(module, "BLOCK", block)
    result = density_coverage(*samples, n_neighbours=k)
    expected = brute_force(*samples, k)
    assert {name: getattr(result, name) for name in NAMES} == pytest.approx(expected, abs=1e-12)
    assert 0 < expected["coverage"] < 1
    assert (result.n_reference, result.n_evaluated, result.n_neighbours) == (40, 31, k)


def test_agrees_with_prdc():
    """Breaks if the definition is not that of the authors' own package."""
    prdc = pytest.importorskip("prdc", reason="prdc is not installed (extra: eval)")
    rng = np.random.default_rng(4)
    reference, evaluated = rng.normal(size=(300, 20)), rng.normal(0.1, 1.1, size=(300, 20))
    expected = prdc.compute_prdc(real_features=reference, fake_features=evaluated, nearest_k=5)
    result = density_coverage(reference, evaluated)
    assert {name: getattr(result, name) for name in NAMES} == pytest.approx(expected, abs=1e-12)


def test_lost_mode_costs_recall_and_coverage_only():
    """Breaks if fidelity and diversity are exchanged."""
    rng = np.random.default_rng(5)
    reference = np.concatenate([rng.normal(size=(200, 2)), rng.normal(30.0, 1.0, size=(200, 2))])
    result = density_coverage(reference, rng.normal(size=(400, 2)))
    assert result.precision > 0.9
    assert result.density > 0.9
    assert result.recall < 0.55
    assert result.coverage < 0.55


def test_errors_are_standard_errors_of_the_shares(samples):
    """Breaks if the error uses the size of the wrong sample."""
    result = density_coverage(*samples)
    for name, n in (("precision", 31), ("recall", 40), ("coverage", 40)):
        share = getattr(result, name)
        assert getattr(result, f"{name}_error") == pytest.approx(np.sqrt(share * (1 - share) / (n - 1)))


def test_bad_input_is_named(samples):
    """Breaks if too few showers end in an IndexError."""
    with pytest.raises(DataError, match="more than 40 showers"):
        density_coverage(*samples, n_neighbours=40)
    with pytest.raises(DataError, match="same columns"):
        density_coverage(samples[0], samples[1][:, :2])
    with pytest.raises(ConfigError, match="found 0 neighbours"):
        density_coverage(*samples, n_neighbours=0)


@pytest.mark.parametrize("columns", [5, 64 * 5 - 1, 64 * 5, 1000])
def test_the_kth_smallest_of_a_row_is_that_of_a_sort(columns):
    """Breaks if one of the smallest numbers lies in a class, or behind the last whole class, that is not looked at."""
    rng = np.random.default_rng(1)
    values = np.round(rng.random((300, columns)), 2)
    values[:50, -5:] -= 1.0
    values[50:100, : 64 * (columns // 64) : max(1, columns // 64)] -= 1.0
    np.testing.assert_array_equal(_kth_smallest(values, 5), np.sort(values, axis=1)[:, 4])


def test_samples_are_changed_only_on_request():
    """Breaks if a caller's showers are moved, or those that may be overwritten give other numbers."""
    rng = np.random.default_rng(2)
    samples = [rng.normal(size=(400, 3)).astype(np.float32) for _ in range(2)]
    before = [sample.copy() for sample in samples]
    found = density_coverage(*samples, dtype=np.float32)
    np.testing.assert_array_equal(samples, before)
    assert density_coverage(*samples, dtype=np.float32, overwrite=True) == found
