"""Regressions that a framed generator starts from, on showers of a known law."""

import numpy as np
import pytest

from calosim_tf.geometry import get_detector
from calosim_tf.training.algorithms.regressions import fit_centres, fit_shape

N, VOXELS = 6_000, 5


@pytest.fixture(scope="module")
def known():
    """Voxels whose logarithm, width and share of hits follow the terms; the first holds most of the energy."""
    rng = np.random.default_rng(1)
    terms = np.stack([rng.uniform(-1, 1, N), rng.normal(0, 1, N)], axis=1)
    logs = np.array([-3.0, -2.5, -3.5, -2.0]) + np.outer(terms[:, 1], [0.4, -0.3, 0.2, 0.0])
    widths = np.exp(-1.0 - 0.5 * terms[:, :1])
    logit = 0.5 + terms[:, 1:] * np.array([1.0, -1.0, 0.0, 0.5])
    hits = rng.random((N, 4)) < 1 / (1 + np.exp(-logit))
    shares = np.exp(logs + widths * rng.normal(size=(N, 4))) * hits
    energy = np.exp(rng.uniform(6, 9, N))
    showers = energy[:, None] * np.concatenate([1 - np.minimum(shares.sum(axis=1, keepdims=True), 0.9), shares], axis=1)
    return fit_shape(showers.astype("f4"), terms, (VOXELS,), 0.01, seed=3), terms


def test_shares_and_widths_are_found(known):
    """Breaks if what is not hit enters the regression, or a width does not follow the energy."""
    start, _ = known
    np.testing.assert_allclose(start.logits[1, 1:], [0.4, -0.3, 0.2, 0.0], atol=0.05)
    np.testing.assert_allclose(start.logit_constant[1:], [-3.0, -2.5, -3.5, -2.0], atol=0.1)
    for position in (-0.5, 0.5):
        width = np.log1p(np.exp(start.width_constant + start.widths[0] * position))[1:]
        np.testing.assert_allclose(width, np.exp(-1.0 - 0.5 * position), rtol=0.15)
    assert not start.widths[1:].any()


def test_gates_open_as_often_as_voxels_are_hit(known):
    """Breaks if a gate has the wrong sign: a voxel would be hit where it should not."""
    start, _ = known
    np.testing.assert_allclose(-1.75 * start.gates[1, 1:], [1.0, -1.0, 0.0, 0.5], atol=0.1)
    np.testing.assert_allclose(-1.75 * start.gate_constant[1:], 0.5, atol=0.1)
    # always hit
    assert start.gate_constant[0] < -2.5


def test_centres_follow_point_and_slope():
    """Breaks if rows and columns are exchanged, or ln E is left out."""
    rng = np.random.default_rng(2)
    detector = get_detector("lhcb")
    slopes, point, log_energy = rng.normal(0, 0.2, (300, 2)), rng.uniform(-9, 9, (300, 2)), rng.uniform(7, 11, 300)
    centre = 1.1 * point + slopes * (40.0 + 5.0 * log_energy[:, None])
    layer = detector.layers[0]
    distance = [layer.coordinates_mm[axis] - centre[:, i, None] for i, axis in enumerate(("y", "x"))]
    showers = np.exp(-(distance[0] ** 2 + distance[1] ** 2) / 2 / 25.0**2)
    np.testing.assert_allclose(fit_centres(detector, showers, slopes, point, log_energy), [[1.1, 40.0, 5.0]], rtol=0.02)


def test_centres_are_found_where_cells_are_thirty_times_as_long_as_wide():
    """Breaks if the long axis has a say: all its showers are centred in one cell, wherever the particle enters."""
    rng = np.random.default_rng(3)
    detector = get_detector("calogan")
    slopes, point, log_energy = rng.normal(0, 0.2, (400, 2)), rng.uniform(-50, 50, (400, 2)), rng.uniform(7, 11, 400)
    parts = []
    for layer in detector.layers:
        centre = point + slopes * (40.0 + 5.0 * log_energy[:, None])
        axes = enumerate((layer.row_axis, layer.column_axis))
        distance = [layer.coordinates_mm[axis] - centre[:, i, None] for i, axis in axes]
        parts.append(np.exp(-(distance[0] ** 2 + distance[1] ** 2) / 2 / 30.0**2))
    found = fit_centres(detector, np.concatenate(parts, axis=1), slopes, point, log_energy)
    np.testing.assert_allclose(found[:, 0], 1.0, atol=0.05)
    np.testing.assert_allclose(found[0], [1.0, 40.0, 5.0], rtol=0.05)
