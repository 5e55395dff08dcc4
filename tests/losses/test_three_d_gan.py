"""Loss terms of 3DGAN against numbers calculated by hand."""

import math

import numpy as np
import pytest
import tensorflow as tf

from calosim_tf.losses.three_d_gan import absolute_error, binary_cross_entropy, flipped_labels, percentage_error


def test_cross_entropy_takes_soft_labels():
    """Breaks when labels are rounded or the second half is lost: y = 0.9, p = 0.8 and y = 0, p = 0.5."""
    found = binary_cross_entropy(tf.constant([[0.9], [0.0]]), tf.constant([[0.8], [0.5]]))
    expected = -(0.9 * math.log(0.8) + 0.1 * math.log(0.2) + math.log(0.5)) / 2
    assert float(found) == pytest.approx(expected, rel=1e-5)


def test_cross_entropy_is_finite_when_the_critic_is_wrong_and_sure():
    """Breaks when the small number is lost: -ln(2e-7) = 15.42 and no infinity."""
    found = binary_cross_entropy(tf.constant([[1.0], [0.0]]), tf.constant([[0.0], [1.0]]))
    assert float(found) == pytest.approx(-math.log(2e-7), rel=0.02)


def test_percentage_error_is_relative_to_the_expected_value():
    """Breaks when it is relative to the found value, or not in per cent: |2-1|/2 and |4-5|/4 give 37.5."""
    found = percentage_error(tf.constant([[2.0], [4.0]]), tf.constant([[1.0], [5.0]]))
    assert float(found) == pytest.approx(37.5, rel=1e-5)


def test_absolute_error():
    """Breaks when it is squared or signed: |1.5-1| and |1-2|."""
    assert float(absolute_error(tf.constant([[1.5], [1.0]]), tf.constant([[1.0], [2.0]]))) == pytest.approx(0.75)


@pytest.mark.parametrize(
    ("label", "expected"), [(0.9, [0.0, 0.9, 0.9]), (1.0, [0.0, 1.0, 1.0]), (0.0, [1.0, 0.0, 0.0])]
)
def test_labels_turn_over_below_the_rate(label, expected):
    """Breaks when a soft label turns into 0.1 instead of 0 (authors' code negates), or the rate itself is inverted."""
    found = flipped_labels(label, tf.constant([[0.049], [0.05], [0.7]]), 0.05)
    np.testing.assert_allclose(found.numpy().ravel(), expected)
