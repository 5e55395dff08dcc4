"""Observables along the trajectory against the numpy statistics of the metrics."""

import numpy as np
import pytest
import tensorflow as tf

from calosim_tf.geometry import get_detector
from calosim_tf.layers.framed.trajectory_observables import TrajectoryObservables
from calosim_tf.layers.soft_observables import SoftObservables
from calosim_tf.physics.papers.lhcb_statistics import GEOMETRIC_DEPTH_CM, SPARSITY_SHARES, shower_statistics

THRESHOLD = 0.1


@pytest.fixture(scope="module")
def measured():
    """Showers around the trajectories of particles whose slopes are positive, and all observables by name."""
    rng = np.random.default_rng(3)
    slopes, point = rng.uniform(0.05, 0.4, (20, 2)), rng.uniform(-0.9, 0.9, (20, 2))
    centre = point + GEOMETRIC_DEPTH_CM * slopes
    y, x = np.meshgrid((np.arange(30) - 14.5) * 2, (np.arange(30) - 14.5) * 2, indexing="ij")
    distance = np.hypot(x - centre[:, 0, None, None], y - centre[:, 1, None, None])
    images = (500 * np.exp(-distance / 1.5) * rng.exponential(size=distance.shape)).astype("f4")
    images[images < 0.05] = 0.0
    detector = get_detector("lhcb")
    layer = TrajectoryObservables(detector, THRESHOLD)
    # rows count y; half cells are centimetres
    numbers = np.concatenate([slopes[:, ::-1] / 0.25, centre[:, ::-1]], axis=1).astype("f4")
    showers = tf.constant(images.reshape(20, -1))
    logs = SoftObservables(detector, THRESHOLD).voxel_logs(showers)[0]
    found = layer(showers, logs, numbers).numpy()
    assert found.shape == (20, len(layer.names))
    momentum = np.concatenate([slopes, np.ones((20, 1))], axis=1)
    wanted = shower_statistics(images, momentum, point, mode="geometric", cell_cm=2.0)
    return dict(zip(layer.names, found.T, strict=True)), wanted, images


def test_widths_and_sides_are_those_of_the_geometric_statistics(measured):
    """Breaks if along and across change places, or the line does not pass through the predicted centre."""
    found, wanted, _ = measured
    for column, axis in ((2, "along"), (3, "across")):
        np.testing.assert_allclose(found[f"width {axis} layer 0"], np.sqrt(wanted[:, column] ** 2 + 0.05), rtol=1e-3)
    assert np.corrcoef(found["side along layer 0"], wanted[:, 0])[0, 1] > 0.75
    # the side to the left of the trajectory has the other sign there when rows and columns change places
    assert abs(np.corrcoef(found["side across layer 0"], wanted[:, 1])[0, 1]) > 0.75


def test_cells_above_a_share_are_counted(measured):
    """Breaks if a share is taken of another total, or columns are out of order."""
    found, wanted, images = measured
    for index in (8, 12, 16):
        name = f"cells above {SPARSITY_SHARES[index]:.1e} of the layer layer 0"
        np.testing.assert_allclose(found[name] ** 2, 900 * wanted[:, 4 + index], rtol=0.25, atol=1.5)
    hottest = images.reshape(20, -1).max(axis=1) / images.sum(axis=(1, 2))
    np.testing.assert_allclose(np.exp(found["hottest 0 layer 0"]), hottest, rtol=1e-2)


@pytest.mark.parametrize(("neighbour", "lonely"), [(0.0, True), (9.0, False)])
def test_a_lonely_cell_has_no_neighbour_of_a_third_of_it(neighbour, lonely):
    """Breaks if a diagonal neighbour is forgotten, or cells at the edge see themselves."""
    detector = get_detector("lhcb")
    image = np.zeros((1, 30, 30), "f4")
    image[0, 29, 3], image[0, 28, 4] = 20.0, neighbour
    layer = TrajectoryObservables(detector, THRESHOLD)
    logs = SoftObservables(detector, THRESHOLD).voxel_logs(tf.constant(image.reshape(1, -1)))[0]
    values = layer(tf.constant(image.reshape(1, -1)), logs, tf.constant([[1.0, 0.5, 0.0, 0.0]])).numpy()[0]
    found = dict(zip(layer.names, values, strict=True))["lonely hot in area 3 layer 0"]
    assert (found > 1.0) == lonely
