"""Random tensors as a function of (run seed, iteration, draw): nothing to save, nothing to restore."""

from __future__ import annotations

import tensorflow as tf

# Draws of one iteration are numbered below this; iteration and draw share one 64-bit number
DRAWS_PER_ITERATION = 4096


def _key(seed: int, iteration: tf.Tensor, draw: int) -> tf.Tensor:
    if not 0 <= draw < DRAWS_PER_ITERATION:
        raise ValueError(f"draw {draw} is outside [0, {DRAWS_PER_ITERATION})")
    return tf.stack([tf.constant(seed, tf.int64), tf.cast(iteration, tf.int64) * DRAWS_PER_ITERATION + draw])


def normal(shape, seed: int, iteration: tf.Tensor, draw: int, mean: float, std: float) -> tf.Tensor:
    """Normal numbers of the given shape, float32."""
    # Philox by name: the default depends on the device, and so would the run
    return tf.random.stateless_normal(shape, _key(seed, iteration, draw), mean, std, alg="philox")


def uniform(shape, seed: int, iteration: tf.Tensor, draw: int) -> tf.Tensor:
    """Uniform numbers in [0, 1) of the given shape, float32."""
    return tf.random.stateless_uniform(shape, _key(seed, iteration, draw), alg="philox")
