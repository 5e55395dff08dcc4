"""Dropout whose random numbers are handed in, so that a resumed training repeats them."""

from __future__ import annotations

from collections.abc import Callable

import keras
import tensorflow as tf


class SeededDropout(keras.layers.Layer):
    """Set a fraction of the activations to 0 in training and scale the others up.

    Keras' own layer hides the state of its random generator, which no checkpoint holds.  Here the training loop hands
    in a source of uniform numbers with :meth:`draw_from`.

    Parameters
    ----------
    rate : float
        Fraction set to 0, in [0, 1).
    """

    def __init__(self, rate: float, **options):
        super().__init__(**options)
        self.rate = rate
        self._uniform: Callable[[tf.Tensor], tf.Tensor] | None = None

    def draw_from(self, uniform: Callable[[tf.Tensor], tf.Tensor]) -> None:
        """Take random numbers from ``uniform(shape)``, in [0, 1), at every later call."""
        self._uniform = uniform

    def call(self, inputs, training=False):
        """Activations of the same shape."""
        if not training or self.rate == 0.0:
            return inputs
        if self._uniform is None:
            raise ValueError(f"{self.name}: dropout is asked for without a source of random numbers")
        kept = self._uniform(tf.shape(inputs)) >= self.rate
        return tf.where(kept, inputs / (1.0 - self.rate), tf.zeros_like(inputs))

    def get_config(self):
        """Arguments of the layer."""
        return {**super().get_config(), "rate": self.rate}
