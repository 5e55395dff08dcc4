"""Moments and energy distance of groups, relativistic terms and their penalty, against numpy loops."""

import numpy as np
import pytest
import tensorflow as tf

from calosim_tf.losses import relativistic
from calosim_tf.losses.groups import energy_distance, moment_difference

GROUPS, ROWS, FEATURES = 3, 5, 4


@pytest.fixture
def samples() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(1)
    real, fake = rng.normal(size=(2, GROUPS * ROWS, FEATURES)).astype("f4")
    return real, fake + np.float32(np.arange(GROUPS * ROWS)[:, None] % GROUPS)


def of_group(rows: np.ndarray, group: int) -> np.ndarray:
    return rows[group::GROUPS].astype("f8")


def test_moment_difference_is_the_mean_of_all_products_of_two_pairs(samples):
    """Breaks if groups are taken from the wrong rows, or the diagonal that makes the estimate biased stays."""
    real, fake = samples
    expected = []
    for group in range(GROUPS):
        difference = of_group(real, group) - of_group(fake, group)
        pairs = [difference[i] * difference[j] for i in range(ROWS) for j in range(ROWS) if i != j]
        expected.append(np.mean(pairs, axis=0))
    found = moment_difference(tf.constant(real - fake), GROUPS)
    assert float(found) == pytest.approx(np.mean(expected), rel=1e-5)


def test_moments_by_condition_see_a_difference_that_averages_out(samples):
    """Breaks if weights go to the wrong pairs, or their squares are left in the diagonal."""
    real, fake = samples
    weights = np.random.default_rng(2).normal(size=(GROUPS * ROWS, 2)).astype("f4")
    expected = []
    for group in range(GROUPS):
        difference, own = of_group(real, group) - of_group(fake, group), of_group(weights, group)
        pairs = [difference[i] * difference[j] * (own[i] @ own[j]) for i in range(ROWS) for j in range(ROWS) if i != j]
        expected.append(np.mean(pairs, axis=0))
    found = moment_difference(tf.constant(real - fake), GROUPS, tf.constant(weights))
    assert float(found) == pytest.approx(np.mean(expected), rel=1e-4)
    ones = tf.ones((GROUPS * ROWS, 1))
    with_ones, without = (moment_difference(tf.constant(real - fake), GROUPS, *more) for more in ((ones,), ()))
    assert float(with_ones) == pytest.approx(float(without), rel=1e-5)


def test_energy_distance_is_that_of_loops(samples):
    """Breaks if equal pairs count in the cross term, or one of the three terms has another weight."""
    real, fake = samples

    def mean(a, b):
        return np.mean([np.linalg.norm(a[i] - b[j]) for i in range(ROWS) for j in range(ROWS) if i != j])

    expected = np.mean(
        [
            2 * mean(of_group(real, g), of_group(fake, g))
            - mean(of_group(real, g), of_group(real, g))
            - mean(of_group(fake, g), of_group(fake, g))
            for g in range(GROUPS)
        ]
    )
    assert float(energy_distance(tf.constant(real), tf.constant(fake), GROUPS)) == pytest.approx(expected, abs=2e-4)


def test_energy_distance_has_a_gradient_where_points_meet():
    """Breaks if the root of a distance of 0 gives a gradient that is not finite."""
    points = tf.Variable(tf.zeros((6, 2)))
    with tf.GradientTape() as tape:
        loss = energy_distance(tf.zeros((6, 2)), points, 2)
    assert np.isfinite(tape.gradient(loss, points).numpy()).all()


def test_relativistic_terms_mirror_each_other():
    """Breaks if the pairs are averaged before they are compared, or critic and generator share a sign."""
    real, fake = np.array([[2.0], [-1.0]]), np.array([[0.5], [1.0]])
    softplus = lambda x: np.log1p(np.exp(x)).mean()  # noqa: E731
    assert float(relativistic.critic_term(tf.constant(real), tf.constant(fake))) == pytest.approx(softplus(fake - real))
    assert float(relativistic.generator_term(tf.constant(real), tf.constant(fake))) == pytest.approx(
        softplus(real - fake)
    )


def test_zero_centred_penalty_of_a_quadratic_score():
    """Breaks if the gradient is not squared, or summed over the batch: score x^2 has gradient 2 x."""
    points = tf.constant([[1.0, 2.0], [3.0, 0.0]])
    found = relativistic.zero_centred_penalty(lambda x: tf.reduce_sum(x**2, axis=1, keepdims=True), points)
    assert float(found) == pytest.approx(np.mean([4.0 + 16.0, 36.0]))
