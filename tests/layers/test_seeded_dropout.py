"""Dropout with numbers from outside."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from calosim_tf.layers.seeded_dropout import SeededDropout, dropout_numbers


def model_of(rate=0.25):
    inputs = keras.Input((400,))
    return keras.Model(inputs, SeededDropout(rate, index=1)(SeededDropout(rate, index=0)(inputs)))


def source(seed):
    return lambda shape, index: tf.random.stateless_uniform(shape, [seed, index])


def test_it_keeps_and_scales_as_the_numbers_say_and_layers_draw_apart():
    """Two layers of rate 1/4 keep 9/16, scaled by 16/9; breaks when they share a mask (3/4) or do not scale."""
    model, x = model_of(), np.ones((50, 400), "f4")
    with dropout_numbers(source(1)):
        found = model(x, training=True).numpy()
    kept = [tf.random.stateless_uniform((50, 400), [1, index]).numpy() >= 0.25 for index in (0, 1)]
    np.testing.assert_allclose(found, np.where(kept[0] & kept[1], 16 / 9, 0.0), rtol=1e-6)
    assert (found > 0).mean() == pytest.approx(9 / 16, abs=0.02)


def test_the_same_numbers_give_the_same_mask_also_in_a_graph():
    """Breaks when a hidden generator moves on, or a mask is frozen into the traced graph."""
    model, x = model_of(), tf.ones((5, 400))

    @tf.function
    def step(seed):
        with dropout_numbers(lambda shape, index: tf.random.stateless_uniform(shape, tf.stack([seed, index]))):
            return model(x, training=True)

    first, again, other = (step(tf.constant(seed)).numpy() for seed in (3, 3, 4))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_inference_passes_all_and_training_without_numbers_is_refused():
    """Breaks when dropout falls back on numbers that no checkpoint holds."""
    model, x = model_of(), np.ones((2, 400), "f4")
    np.testing.assert_array_equal(model(x).numpy(), x)
    np.testing.assert_array_equal(model(x, training=False).numpy(), x)
    with pytest.raises(RuntimeError, match="dropout_numbers"):
        model(x, training=True)
