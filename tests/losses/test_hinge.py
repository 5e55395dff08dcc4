"""Hinge terms against numbers calculated by hand."""

import numpy as np
import pytest
import tensorflow as tf

from calosim_tf.losses.hinge import critic_terms, generator_term


def test_terms_of_scores_on_both_sides_of_the_margins():
    """Breaks when a sign or a margin flips: real 3, 1, 0, -2 cost 0, 0, 1, 3; generated -3, -1, 0, 2 likewise."""
    real, fake = tf.constant([[3.0], [1.0], [0.0], [-2.0]]), tf.constant([[-3.0], [-1.0], [0.0], [2.0]])
    real_term, fake_term = critic_terms(real, fake)
    assert float(real_term) == pytest.approx(1.0)
    assert float(fake_term) == pytest.approx(1.0)
    real_term, fake_term = critic_terms(fake, real)
    assert float(real_term) == pytest.approx((4 + 2 + 1 + 0) / 4)
    assert float(fake_term) == pytest.approx((4 + 2 + 1 + 0) / 4)


def test_scores_beyond_the_margin_have_no_gradient():
    """Breaks when the hinge becomes a straight line: only scores inside the margin may pull the critic."""
    real, fake = tf.Variable([[2.0], [0.5]]), tf.Variable([[-2.0], [0.5]])
    with tf.GradientTape() as tape:
        loss = tf.add_n(critic_terms(real, fake))
    of_real, of_fake = tape.gradient(loss, [real, fake])
    np.testing.assert_array_equal(of_real.numpy(), [[0.0], [-0.5]])
    np.testing.assert_array_equal(of_fake.numpy(), [[0.0], [0.5]])


def test_the_generator_has_no_hinge():
    """Breaks when the generator's term is cut at 0 or changes sign: it gains from every score, however high."""
    assert float(generator_term(tf.constant([[5.0], [-1.0]]))) == -2.0
