"""Dropout that repeats itself after a resume."""

import numpy as np
import pytest
import tensorflow as tf

from calosim_tf.layers.seeded_dropout import SeededDropout


def test_cells_below_the_rate_are_dropped_and_the_rest_scaled_up():
    """Breaks when kept and dropped are exchanged, or the mean is not kept: 0.1 < 0.25 drops, 4 / 0.75 stays."""
    layer = SeededDropout(0.25)
    layer.draw_from(lambda shape: tf.constant([[0.1, 0.25, 0.9]]))
    found = layer(tf.constant([[4.0, 4.0, 3.0]]), training=True)
    np.testing.assert_allclose(found.numpy(), [[0.0, 4 / 0.75, 4.0]], rtol=1e-6)


def test_outside_of_training_nothing_is_drawn_or_dropped():
    """Breaks when generation or evaluation depends on random numbers."""
    inputs = tf.ones((2, 3))
    np.testing.assert_array_equal(SeededDropout(0.5)(inputs).numpy(), inputs.numpy())


def test_training_without_a_source_is_refused():
    """Breaks when hidden random state comes back as a fallback: a resumed run would differ."""
    with pytest.raises(ValueError, match="without a source"):
        SeededDropout(0.5)(tf.ones((2, 3)), training=True)
