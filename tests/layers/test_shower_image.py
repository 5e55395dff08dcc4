"""Total energy, power of the cells and measured angle of an image, against numpy and hand-made showers."""

import math

import numpy as np
import pytest
import tensorflow as tf

from calosim_tf.layers.shower_image import EMPTY_ANGLE, CellPower, CellSum, MeasuredAngle


def test_sum_runs_over_the_cells_of_each_shower():
    """Breaks when an axis is left out or showers are mixed."""
    images = np.arange(2 * 3 * 4 * 5, dtype="f4").reshape(2, 3, 4, 5)
    np.testing.assert_allclose(CellSum()(images).numpy(), images.reshape(2, -1).sum(1, keepdims=True))


@pytest.mark.parametrize(("scale", "power"), [(1.0, 1.0), (100.0, 1.0), (50.0, 0.85)])
def test_power_and_its_inverse(scale, power):
    """Breaks when the scale stands outside of the power, or the two directions are not inverse."""
    cells = np.array([[0.0, 1e-6, 1e-3, 0.4]], "f4")
    seen = CellPower(scale, power)(cells)
    np.testing.assert_allclose(seen.numpy(), (scale * cells.astype("f8")) ** power, rtol=1e-5)
    np.testing.assert_allclose(CellPower(scale, power, inverse=True)(seen).numpy(), cells, rtol=1e-5)


def test_empty_cells_have_a_finite_gradient():
    """Breaks when the guard is lost: x**0.85 has an infinite slope at 0, and 0 times infinity is NaN."""
    start = tf.Variable([[0.0, 0.2]])
    with tf.GradientTape() as tape:
        cells = CellPower(50.0, 0.85, inverse=True)(tf.nn.relu(start))
        result = tf.reduce_sum(CellPower(50.0, 0.85)(cells))
    np.testing.assert_allclose(tape.gradient(result, start).numpy(), [[0.0, 1.0]], rtol=1e-4)


@pytest.mark.parametrize("degrees", [60, 90, 118])
def test_angle_of_a_straight_line_of_cells(degrees):
    """Breaks when y and x are exchanged, the sign is not turned in front of the barycentre, or degrees are meant.

    A line dy/dz = 1/tan(angle) of single cells, each shared between two neighbours so that its mean is exact.
    """
    image = np.zeros((1, 51, 51, 25), "f4")
    for z in range(25):
        y = 25 + (z - 12) / math.tan(math.radians(degrees))
        low = math.floor(y)
        image[0, 25, low, z] += low + 1 - y
        image[0, 25, low + 1, z] += y - low
    # the layer of the barycentre itself has no direction; it counts as straight
    weights = np.arange(25) + 0.5
    expected = (math.radians(degrees) * (weights.sum() - 12.5) + math.pi / 2 * 12.5) / weights.sum()
    assert float(MeasuredAngle()(image)[0, 0]) == pytest.approx(expected, abs=2e-4)


def test_an_empty_image_has_the_marked_angle_and_a_finite_gradient():
    """Breaks when an empty generated shower turns the whole loss into NaN."""
    image = tf.Variable(tf.zeros((1, 5, 5, 4)))
    with tf.GradientTape() as tape:
        angle = MeasuredAngle()(image)
    assert float(angle[0, 0]) == EMPTY_ANGLE
    assert np.isfinite(tape.gradient(angle, image).numpy()).all()
