"""Random tensors as a function of (run seed, iteration, draw): nothing to save, nothing to restore.

On several replicas each takes its rows of what one replica would draw for the global batch.
"""

from __future__ import annotations

from collections.abc import Callable

import tensorflow as tf

from calosim_tf.layers.replicas import Replicas

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


class Draws:
    """The random numbers of a training: shapes are those of one replica, numbers those of the global batch.

    Every replica draws for the whole batch and keeps its rows; the numbers are cheap compared with any network.

    Parameters
    ----------
    seed : int
    iteration : tf.Variable
        Iteration that numbers are drawn for, unless a draw names another count.
    replicas : Replicas
    """

    def __init__(self, seed: int, iteration: tf.Variable, replicas: Replicas):
        self.seed = seed
        self.iteration = iteration
        self.replicas = replicas

    def normal(self, shape, draw: int, mean: float, std: float, count: tf.Tensor | None = None) -> tf.Tensor:
        """Normal numbers; axis 0 of ``shape`` is the batch."""
        count = self.iteration if count is None else count
        return self._own(shape, 0, lambda whole: normal(whole, self.seed, count, draw, mean, std))

    def uniform(self, shape, draw: int, batch_axis: int = 0, count: tf.Tensor | None = None) -> tf.Tensor:
        """Uniform numbers in [0, 1); ``batch_axis`` of ``shape`` is the batch."""
        count = self.iteration if count is None else count
        return self._own(shape, batch_axis, lambda whole: uniform(whole, self.seed, count, draw))

    def _own(self, shape, axis: int, draw_whole: Callable) -> tf.Tensor:
        if self.replicas.number == 1:
            return draw_whole(shape)
        lengths = list(tf.unstack(shape)) if isinstance(shape, tf.Tensor) else list(shape)
        whole = [*lengths[:axis], lengths[axis] * self.replicas.number, *lengths[axis + 1 :]]
        return self.replicas.own_rows(draw_whole(whole), lengths, axis)
