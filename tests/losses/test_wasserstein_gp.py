"""Wasserstein terms and gradient penalty against numbers calculated by hand."""

import numpy as np
import pytest
import tensorflow as tf

from calosim_tf.losses.gradient_penalty import gradient_penalty, mix_showers, shift_showers
from calosim_tf.losses.wasserstein import critic_terms, generator_term


def test_signs_and_means_of_the_wasserstein_terms():
    """Breaks when a sign flips: the critic must raise real and lower generated scores, the generator the reverse."""
    real, fake = tf.constant([[1.0], [3.0]]), tf.constant([[10.0], [20.0]])
    real_term, fake_term = critic_terms(real, fake)
    assert float(real_term) == -2.0
    assert float(fake_term) == 15.0
    assert float(generator_term(fake)) == -15.0


def test_mixing_gives_the_real_shower_at_one_and_goes_event_by_event():
    """Breaks when one number mixes the whole batch, or real and generated are swapped."""
    real, fake = tf.ones((3, 2)), tf.zeros((3, 2))
    mixed = mix_showers(real, fake, tf.constant([[1.0], [0.0], [0.25]]))
    np.testing.assert_array_equal(mixed.numpy(), [[1, 1], [0, 0], [0.25, 0.25]])


def test_the_local_penalty_takes_each_event_where_its_noise_leads():
    """Score x^2/2 at 0.5 + 0.5 and 3 - 1: norms 1 and 2 give (0 + 1)/2; one norm of the minibatch, sqrt(5), 1.53."""
    points = shift_showers(tf.constant([[0.5], [3.0]]), tf.constant([[0.5], [-1.0]]))
    penalty, norm = gradient_penalty(lambda x: 0.5 * tf.square(x), points)
    assert float(norm) == pytest.approx(1.5, rel=1e-6)
    assert float(penalty) == pytest.approx(0.5, rel=1e-6)


def test_penalty_of_a_linear_critic():
    """Breaks when the norm is squared once too often or averaged before the square: |(3,4)| = 5, (5-1)^2 = 16."""
    direction = tf.constant([[3.0], [4.0]])
    penalty, norm = gradient_penalty(lambda x: x @ direction, tf.random.stateless_normal((6, 2), (1, 2)))
    assert float(norm) == pytest.approx(5.0, rel=1e-6)
    assert float(penalty) == pytest.approx(16.0, rel=1e-6)


def test_penalty_is_the_mean_over_events_of_each_events_own_norm():
    """Score x^2/2 has gradient x: norms 1 and 3 give ((1-1)^2 + (3-1)^2)/2 = 2; a norm of the mean would give 1."""
    penalty, norm = gradient_penalty(lambda x: 0.5 * tf.square(x), tf.constant([[1.0], [3.0]]))
    assert float(norm) == pytest.approx(2.0, rel=1e-6)
    assert float(penalty) == pytest.approx(2.0, rel=1e-6)


def test_penalty_sums_over_all_voxel_axes():
    """A score that sums 8 voxels has gradient norm sqrt(8) whatever the shape of a shower is."""
    _, norm = gradient_penalty(lambda x: tf.reduce_sum(x, axis=(1, 2, 3)), tf.zeros((2, 2, 2, 2)))
    assert float(norm) == pytest.approx(8**0.5, rel=1e-6)


def test_gradient_of_the_penalty_is_finite_where_the_critic_is_flat():
    """Breaks when the guard under the root is lost: the derivative of the root is infinite at 0."""
    weight = tf.Variable([[0.0], [0.0]])
    with tf.GradientTape() as tape:
        penalty, _ = gradient_penalty(lambda x: tf.nn.relu(x @ weight), tf.ones((3, 2)))
    gradient = tape.gradient(penalty, weight)
    assert gradient is None or bool(tf.reduce_all(tf.math.is_finite(gradient)))
    assert float(penalty) == pytest.approx(1.0, rel=1e-5)
    with tf.GradientTape() as tape:
        penalty, _ = gradient_penalty(lambda x: x @ weight, tf.ones((3, 2)))
    assert np.isfinite(tape.gradient(penalty, weight).numpy()).all()


def test_penalty_gradient_equals_the_analytic_one():
    """d/dw (|w|-1)^2 = 2 (|w|-1) w/|w|: for w = (3,4) that is 8 (0.6, 0.8)."""
    weight = tf.Variable([[3.0], [4.0]])
    with tf.GradientTape() as tape:
        penalty, _ = gradient_penalty(lambda x: x @ weight, tf.ones((2, 2)))
    np.testing.assert_allclose(tape.gradient(penalty, weight).numpy().ravel(), [4.8, 6.4], rtol=1e-5)
