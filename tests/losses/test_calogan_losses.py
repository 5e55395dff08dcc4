"""Cross-entropy, label flips and attribute errors against numbers calculated by hand."""

import numpy as np
import pytest
import tensorflow as tf

from calosim_tf.losses.attribute_error import mean_absolute_errors, weighted_mean
from calosim_tf.losses.non_saturating import accuracy, cross_entropy, flipped_labels, generator_term


def test_cross_entropy_by_hand():
    """-ln p for real, -ln(1 - p) for generated, p = 1/(1 + e^-x); breaks when labels or the sign are exchanged."""
    logits = tf.constant([[np.log(3.0)], [0.0]], tf.float32)  # p = 3/4, 1/2
    labels = tf.constant([[1.0], [1.0]])
    assert float(cross_entropy(logits, labels)) == pytest.approx((-np.log(0.75) - np.log(0.5)) / 2, rel=1e-6)
    assert float(cross_entropy(logits, 1 - labels)) == pytest.approx((-np.log(0.25) - np.log(0.5)) / 2, rel=1e-6)


def test_the_generator_keeps_its_gradient_when_the_critic_is_sure():
    """-ln p has slope -1 at a logit of -90, where ln(1 - p) has none and a float32 sigmoid is 0."""
    logits = tf.constant([[-90.0]])
    with tf.GradientTape() as tape:
        tape.watch(logits)
        value = generator_term(logits)
    assert float(value) == pytest.approx(90.0)
    assert float(tape.gradient(value, logits)[0, 0]) == pytest.approx(-1.0)


@pytest.mark.parametrize("label", [0.0, 1.0])
def test_labels_below_the_rate_are_turned_round(label):
    """Breaks when the flip acts on one kind of shower only, or its probability is 1 - rate."""
    found = flipped_labels(label, tf.constant([[0.0], [0.049], [0.051], [0.99]]), 0.05).numpy()
    np.testing.assert_array_equal(found[:, 0], [1 - label, 1 - label, label, label])
    np.testing.assert_array_equal(flipped_labels(label, tf.constant([[0.0]]), 0.0).numpy(), [[label]])


def test_accuracy_counts_the_right_side_of_zero():
    """Three of four above 0: 3/4 of real, 1/4 of generated showers are recognised."""
    logits = tf.constant([[2.0], [0.1], [-1.0], [5.0]])
    assert float(accuracy(logits, real=True)) == 0.75
    assert float(accuracy(logits, real=False)) == 0.25


def test_attribute_errors_are_means_over_showers_then_over_weighted_attributes():
    """Errors (1, 2, 0, 3): mean 1.5; breaks when the sum is taken (the code's 0.01 would weigh four times as much)."""
    estimate = tf.constant([[1.0, 2.0, 0.0, 5.0], [-1.0, 2.0, 0.0, 1.0]])
    errors = mean_absolute_errors(estimate, tf.zeros([2, 4]))
    np.testing.assert_allclose(errors.numpy(), [1, 2, 0, 3])
    assert float(weighted_mean(errors, (0.01,))) == pytest.approx(0.015)
    assert float(weighted_mean(errors, (0.01,) * 4)) == pytest.approx(0.015)
    assert float(weighted_mean(errors, (4.0, 1.0, 100.0, 0.0))) == pytest.approx((4 + 2) / 4)
